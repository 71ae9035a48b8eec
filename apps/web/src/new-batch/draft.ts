import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { createExtractorDraft, type ExtractorDraft } from '../extractors/extractor-draft.ts'
import { recipeOf } from '../extractors/extractor-form.ts'
import { type Cells, readRows } from './read-rows.ts'
import { type Source, splitTexts } from './source.ts'

/** One input as the API takes it. */
export interface Item {
  readonly text: string
  readonly id?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** A batch while a person puts it together. It lives as long as the page, so that looking at another view loses nothing. */
export interface Draft {
  readonly source: Signal<Source>
  /** Of a table. */
  readonly textColumn: Signal<string>
  readonly idColumn: Signal<string>
  readonly keepOthers: Signal<boolean>
  /** A stored extractor as `name`; empty: the one that is written here. */
  readonly stored: Signal<string>
  readonly extractor: ExtractorDraft
  readonly name: Signal<string>
  readonly options: {
    readonly concurrency: Signal<string>
    readonly priority: Signal<string>
    readonly cap: Signal<string>
    readonly deduplicate: Signal<boolean>
  }
  /** The first texts, for the preview, the estimate and a try. */
  readonly firstItems: ReadonlySignal<readonly Item[]>
  readonly total: ReadonlySignal<{ readonly items: number; readonly exact: boolean }>
  /** As the API takes it. */
  readonly extractorChoice: ReadonlySignal<string | Record<string, unknown> | null>
}

const firstCount = 200

export function createDraft(): Draft {
  const source = signal<Source>({ kind: 'pasted', text: '', split: 'lines', name: null })
  const columns = { textColumn: signal(''), idColumn: signal(''), keepOthers: signal(true) }
  const stored = signal('')
  const extractor = createExtractorDraft()
  const pasted = computed(() => (source.value.kind === 'pasted' ? splitTexts(source.value) : []))
  const toItem = (row: Cells) =>
    itemOf(row, { text: columns.textColumn.value, id: columns.idColumn.value, keep: columns.keepOthers.value })
  return {
    source,
    ...columns,
    stored,
    extractor,
    name: signal(''),
    options: { concurrency: signal(''), priority: signal('10'), cap: signal(''), deduplicate: signal(false) },
    firstItems: computed(() => {
      const now = source.value
      if (now.kind === 'pasted') return pasted.value.slice(0, firstCount).map((text) => ({ text }))
      return now.kind === 'table' ? now.preview.slice(0, firstCount).flatMap((row) => toItem(row) ?? []) : []
    }),
    total: computed(() => {
      const now = source.value
      if (now.kind === 'pasted') return { items: pasted.value.length, exact: true }
      if (now.kind === 'documents') return { items: now.files.length, exact: true }
      if (!now.exact) return { items: now.rows, exact: false }
      return { items: now.preview.reduce((sum, row) => sum + (toItem(row) === null ? 0 : 1), 0), exact: true }
    }),
    extractorChoice: computed(() => {
      if (stored.value !== '') return stored.value
      return extractor.schema.value === undefined || extractor.isEmpty.value ? null : recipeOf(extractor)
    }),
  }
}

interface Columns {
  readonly text: string
  readonly id: string
  readonly keep: boolean
}

/** Null for a row without a text: such rows are left out. */
function itemOf(row: Cells, { text: textColumn, id: idColumn, keep }: Columns): Item | null {
  const text = row.get(textColumn) ?? ''
  if (text.trim() === '') return null
  const id = idColumn === '' ? undefined : row.get(idColumn)
  const others = keep
    ? row.columns.filter((name) => name !== textColumn && name !== idColumn && name.length <= 256)
    : []
  const metadata = Object.fromEntries(
    others.flatMap((name) => {
      const value = row.value(name)
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  )
  return {
    text,
    ...(id === undefined || id === '' ? {} : { id }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

/** All items, read from the file as they are sent. */
export async function* itemsOf(draft: Draft): AsyncGenerator<Item> {
  const source = draft.source.peek()
  if (source.kind === 'pasted') for (const text of splitTexts(source)) yield { text }
  if (source.kind !== 'table') return
  const columns = { text: draft.textColumn.peek(), id: draft.idColumn.peek(), keep: draft.keepOthers.peek() }
  for await (const row of readRows(source.file, source.format)) {
    const item = itemOf(row, columns)
    if (item !== null) yield item
  }
}

/** The options that differ from what a batch has anyway. */
export function optionsOf({
  name,
  options: { concurrency, priority, cap, deduplicate },
}: Draft): Record<string, unknown> {
  return {
    ...(name.peek().trim() === '' ? {} : { name: name.peek().trim() }),
    ...(concurrency.peek() === '' ? {} : { concurrency: Number(concurrency.peek()) }),
    ...(priority.peek() === '' ? {} : { priority: Number(priority.peek()) }),
    ...(cap.peek() === '' ? {} : { max_cost_usd: Number(cap.peek()) }),
    ...(deduplicate.peek() ? { deduplicate: true } : {}),
  }
}
