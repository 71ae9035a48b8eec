import { createHash } from 'node:crypto'
import type { ItemInput } from '@sluice/contract/item'
import type { Screen } from '@sluice/terminal/screen'
import { InputError, type Skip } from './inputs/input.ts'
import { type Format, type InputOptions, openInput } from './inputs/open-input.ts'

/** How the input is read, as it was typed. */
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

/** An input that is read as often as needed, with its progress shown. */
export interface Reading {
  readonly name: string
  /** Reads all of it and resolves to the digest of the content and of how it is read. Throws an InputError for what is not valid. */
  readonly check: () => Promise<string>
  /** Throws an InputError, too, when the content has changed since it was read before. */
  readonly items: () => AsyncIterable<ItemInput>
  /** What the last reading left out because it was not valid; the first few with their places. */
  readonly skipped: { count: number; readonly first: string[] }
}

const shownSkips = 5
const showEveryItems = 500

/** Aborted, every reading ends with the signal's reason. */
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
  const input = await openInput(path, inputOptions, { skip: options.onInvalid === 'skip' ? skip : undefined, signal })
  let digest: string | undefined

  return {
    name: input.name,
    async check() {
      for await (const _ of pass('Reading'));
      // A pass sets it.
      return digest!
    },
    items: () => pass('Sending'),
    skipped,
  }

  async function* pass(doing: 'Reading' | 'Sending'): AsyncGenerator<ItemInput> {
    skipped.count = 0
    skipped.first.length = 0
    const hash = createHash('sha256').update(JSON.stringify([inputOptions, options.onInvalid]))
    let bytes = 0
    let items = 0
    const seen = (chunk: Uint8Array): void => {
      signal.throwIfAborted()
      hash.update(chunk)
      bytes += chunk.length
    }
    try {
      for await (const item of input.items(seen)) {
        items += 1
        if (items % showEveryItems === 1) show(doing, bytes, items)
        yield item
      }
    } finally {
      screen.status(null)
    }
    if (items === 0) throw new InputError(`There is no item in ${input.name}.`)
    const found = hash.digest('hex')
    if (found !== (digest ??= found))
      throw new InputError(`${input.name} changed while it was read. Run the command again when it is complete.`)
  }

  function show(doing: string, bytes: number, items: number): void {
    const share = Math.min(100, Math.floor((bytes / input.sizeBytes) * 100))
    screen.status(() => `${doing} ${input.name}: ${share} %  ${items.toLocaleString('en')} items`)
  }
}

export function saySkipped({ count, first }: Reading['skipped'], screen: Screen): void {
  if (count === 0) return
  screen.say(screen.red(`${count} left out because not valid:`))
  for (const one of first) screen.say(`  ${one}`)
  if (count > first.length) screen.say(`  and ${count - first.length} more`)
}
