import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import { useRef } from 'preact/hooks'
import { LoadError } from '../elements/notice.ts'
import { bytes, count, plural } from '../format.ts'
import { messageOf } from '../http.ts'
import type { Draft } from './draft.ts'
import { chosenFiles, droppedFiles, namesOf } from './dropped-files.ts'
import { guessIdColumn, guessTextColumn, openFiles, type PastedTexts, type Source, type Table } from './source.ts'

const splits = {
  lines: 'Each line is a text',
  'blank lines': 'Blank lines separate texts',
  none: 'All of it is one text',
} as const
const shownRows = 5
const shownFiles = 8

/** Where the texts come from: typed, or files. */
export function TextsStep({ draft }: { draft: Draft }) {
  const over = useSignal(false)
  const problem = useSignal<string | null>(null)
  const reading = useSignal(false)
  const source = draft.source.value

  const take = async (files: Promise<File[]>): Promise<void> => {
    reading.value = true
    problem.value = null
    try {
      use(draft, await openFiles(await files))
    } catch (error) {
      problem.value = messageOf(error)
    } finally {
      reading.value = false
    }
  }
  return html`<section
    class="card"
    onDragOver=${(event: DragEvent) => {
      event.preventDefault()
      over.value = true
    }}
    onDragLeave=${() => (over.value = false)}
    onDrop=${(event: DragEvent) => {
      event.preventDefault()
      over.value = false
      if (event.dataTransfer !== null) void take(droppedFiles(event.dataTransfer))
    }}
  >
    <h2><span class="step-number">1</span> Texts</h2>
    <div class="drop" data-over=${over.value}>
      ${reading.value ? 'Reading…' : 'Drop a CSV, JSONL or JSON file, PDFs and other documents, or a folder here.'}
      <div class="actions">
        <${FileButton} text="Choose files" chosen=${take} />
        <${FileButton} text="Choose a folder" folder chosen=${take} />
      </div>
    </div>
    ${problem.value !== null && html`<${LoadError} message=${problem.value} />`}
    ${source.kind === 'pasted' && html`<${Pasted} draft=${draft} source=${source} />`}
    ${source.kind === 'table' && html`<${TableChoice} draft=${draft} table=${source} />`}
    ${source.kind === 'documents' && html`<${DocumentList} draft=${draft} files=${source.files} />`}
  </section>`
}

function use(draft: Draft, source: Source): void {
  if (source.kind === 'table') {
    draft.textColumn.value = guessTextColumn(source)
    draft.idColumn.value = guessIdColumn(source)
    draft.name.value = source.file.name.slice(0, 200)
  } else if (source.kind === 'pasted') draft.name.value = source.name?.slice(0, 200) ?? ''
  else
    draft.name.value =
      source.files.length === 1 ? source.files[0]!.name.slice(0, 200) : plural(source.files.length, 'document')
  draft.source.value = source
}

function FileButton({
  text,
  folder = false,
  chosen,
}: {
  text: string
  folder?: boolean
  chosen: (files: Promise<File[]>) => Promise<void>
}) {
  const input = useRef<HTMLInputElement>(null)
  return html`<input
      type="file"
      hidden
      multiple
      webkitdirectory=${folder}
      aria-label=${text}
      ref=${input}
      onChange=${() => {
        const files = chosenFiles(input.current!.files)
        // The same file again is also a choice.
        input.current!.value = ''
        void chosen(Promise.resolve(files))
      }}
    /><button type="button" onClick=${() => input.current!.click()}>${text}</button>`
}

function Pasted({ draft, source }: { draft: Draft; source: PastedTexts }) {
  return html`<label class="field">
      <span>Or paste texts</span>
      <textarea
        rows="7"
        dir="auto"
        value=${source.text}
        onInput=${(event: Event) => {
          draft.source.value = { ...source, text: (event.target as HTMLTextAreaElement).value }
        }}
      ></textarea>
    </label>
    <div class="actions">
      <select
        aria-label="How the texts are separated"
        value=${source.split}
        onChange=${(event: Event) => {
          draft.source.value = { ...source, split: (event.target as HTMLSelectElement).value as PastedTexts['split'] }
        }}
      >
        ${Object.entries(splits).map(([split, text]) => html`<option value=${split}>${text}</option>`)}
      </select>
      <span class="quiet-text">${plural(draft.total.value.items, 'text')}</span>
    </div>`
}

function TableChoice({ draft, table }: { draft: Draft; table: Table }) {
  const { textColumn, idColumn, keepOthers } = draft
  const options = table.columns.map((name) => html`<option value=${name}>${name}</option>`)
  const { items, exact } = draft.total.value
  const empty = exact ? table.preview.length - items : 0
  return html`<div class="card-head">
      <strong><bdi>${table.file.name}</bdi></strong>
      <span class="quiet-text">
        ${bytes(table.file.size)}, ${exact ? plural(items, 'text') : `about ${count(items)} texts`}
        ${empty > 0 && `; ${plural(empty, 'row')} without a text ${empty === 1 ? 'is' : 'are'} left out`}
      </span>
      <div class="actions"><${OtherTexts} draft=${draft} /></div>
    </div>
    <div class="columns narrow">
      <label class="field">
        <span>Column with the text</span>
        <select
          value=${textColumn.value}
          onChange=${(event: Event) => (textColumn.value = (event.target as HTMLSelectElement).value)}
        >
          ${options}
        </select>
      </label>
      <label class="field">
        <span>Column with an id</span>
        <select
          value=${idColumn.value}
          onChange=${(event: Event) => (idColumn.value = (event.target as HTMLSelectElement).value)}
        >
          <option value="">None: number the rows</option>
          ${options}
        </select>
      </label>
    </div>
    <label class="check field">
      <input
        type="checkbox"
        checked=${keepOthers.value}
        onChange=${(event: Event) => (keepOthers.value = (event.target as HTMLInputElement).checked)}
      />
      Keep the other columns beside the results
    </label>
    <div class="scroll-x" tabindex="0" role="group" aria-label="First rows">
      <table class="preview">
        <thead>
          <tr>
            ${table.columns.map((name) => html`<th scope="col" data-chosen=${name === textColumn.value}><bdi>${name}</bdi></th>`)}
          </tr>
        </thead>
        <tbody>
          ${table.preview.slice(0, shownRows).map(
            (row) =>
              html`<tr>
                ${table.columns.map(
                  (name) =>
                    html`<td data-chosen=${name === textColumn.value}>
                      <span class="clip" dir="auto">${row.get(name)?.slice(0, 300)}</span>
                    </td>`,
                )}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

function DocumentList({ draft, files }: { draft: Draft; files: readonly File[] }) {
  const size = files.reduce((sum, file) => sum + file.size, 0)
  const names = namesOf(files)
  return html`<div class="card-head">
      <strong>${plural(files.length, 'document')}</strong>
      <span class="quiet-text">${bytes(size)}. Each becomes one item; PDF, HTML, Markdown and text are read.</span>
      <div class="actions"><${OtherTexts} draft=${draft} /></div>
    </div>
    <ul class="files">
      ${files.slice(0, shownFiles).map((file, at) => html`<li><bdi>${names[at]}</bdi> <small>${bytes(file.size)}</small></li>`)}
      ${files.length > shownFiles && html`<li class="quiet-text">and ${count(files.length - shownFiles)} more</li>`}
    </ul>`
}

function OtherTexts({ draft }: { draft: Draft }) {
  return html`<button
    type="button"
    onClick=${() => {
      draft.source.value = { kind: 'pasted', text: '', split: 'lines', name: null }
      draft.name.value = ''
    }}
  >
    Other texts
  </button>`
}
