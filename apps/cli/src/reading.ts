import { createHash } from 'node:crypto'
import type { ItemInput } from '@sluice/contract/item'
import type { Screen } from '@sluice/terminal/screen'
import { contentOf } from './inputs/documents.ts'
import { type DocumentFile, InputError, type Skip } from './inputs/input.ts'
import { type Format, type InputOptions, openInput } from './inputs/open-input.ts'

/** Options that say how the input is read. */
export interface ReadingOptions {
  readonly format?: Format
  readonly column?: string
  readonly idColumn?: string
  readonly keep?: readonly string[]
  readonly delimiter?: string
  readonly encoding: string
  readonly match?: string
  readonly onInvalid: 'stop' | 'skip'
}

/** An input that can be read several times, with its progress shown. */
export type Reading = CommonReading &
  (
    | {
        readonly type: 'items'
        /** Also throws an InputError if the content has changed since it was read before. */
        readonly items: () => AsyncIterable<ItemInput>
      }
    | {
        readonly type: 'documents'
        readonly files: readonly DocumentFile[]
        /** Shows how many have arrived; null removes the line. */
        readonly sending: (count: number | null) => void
      }
  )

interface CommonReading {
  readonly name: string
  /** Reads everything and resolves to the digest of the content and of the reading options. Throws an InputError for invalid content. */
  readonly check: () => Promise<string>
  /** What the last reading skipped because it was invalid; the first few with their positions. */
  readonly skipped: { count: number; readonly first: string[] }
}

const shownSkips = 5
const showEveryItems = 500

/** If the signal aborts, every reading ends with its reason. */
export async function openReading(
  path: string,
  options: ReadingOptions,
  { screen, signal }: { readonly screen: Screen; readonly signal: AbortSignal },
): Promise<Reading> {
  const skipped: Reading['skipped'] = { count: 0, first: [] }
  const skip: Skip = (place, message) => {
    skipped.count += 1
    if (skipped.first.length < shownSkips) skipped.first.push(`${place}: ${message}`)
  }
  const inputOptions: InputOptions = {
    fields: { column: options.column, idColumn: options.idColumn, keep: options.keep ?? [] },
    format: options.format,
    encoding: options.encoding,
    delimiter: options.delimiter,
    match: options.match,
  }
  const skipping = { skip: options.onInvalid === 'skip' ? skip : undefined, signal }
  const input = await openInput(path, inputOptions, skipping)
  const { name } = input
  const newHash = () => createHash('sha256').update(JSON.stringify([inputOptions, options.onInvalid]))
  if (input.type === 'documents') {
    const { files } = input
    return {
      type: 'documents',
      name,
      files,
      skipped,
      check: () => digestOf(files),
      sending: (count) =>
        screen.status(count === null ? null : () => `Sending ${name}: ${count} of ${files.length} documents`),
    }
  }
  const { sizeBytes } = input
  const readItems = input.items
  let digest: string | undefined

  return {
    type: 'items',
    name,
    async check() {
      for await (const _ of pass('Reading'));
      // A pass sets it.
      return digest!
    },
    items: () => pass('Sending'),
    skipped,
  }

  async function digestOf(files: readonly DocumentFile[]): Promise<string> {
    const hash = newHash()
    screen.status(() => `Reading ${name}: ${files.length} documents`)
    try {
      for await (const chunk of contentOf(files)) {
        signal.throwIfAborted()
        hash.update(chunk)
      }
    } finally {
      screen.status(null)
    }
    return hash.digest('hex')
  }

  async function* pass(doing: 'Reading' | 'Sending'): AsyncGenerator<ItemInput> {
    skipped.count = 0
    skipped.first.length = 0
    const hash = newHash()
    let bytes = 0
    let items = 0
    const seen = (chunk: Uint8Array): void => {
      signal.throwIfAborted()
      hash.update(chunk)
      bytes += chunk.length
    }
    try {
      for await (const item of readItems(seen)) {
        items += 1
        if (items % showEveryItems === 1) show(doing, bytes, items)
        yield item
      }
    } finally {
      screen.status(null)
    }
    if (items === 0) throw new InputError(`${name} contains no items.`)
    const found = hash.digest('hex')
    if (found !== (digest ??= found))
      throw new InputError(`${name} changed while it was read. Run the command again when the file is complete.`)
  }

  function show(doing: string, bytes: number, items: number): void {
    const share = Math.min(100, Math.floor((bytes / sizeBytes) * 100))
    screen.status(() => `${doing} ${name}: ${share} %  ${items.toLocaleString('en')} items`)
  }
}

export function saySkipped({ count, first }: Reading['skipped'], screen: Screen): void {
  if (count === 0) return
  screen.say(screen.red(`Skipped because invalid (${count}):`))
  for (const one of first) screen.say(`  ${one}`)
  if (count > first.length) screen.say(`  and ${count - first.length} more`)
}
