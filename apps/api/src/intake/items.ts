import { invalidRequest, SluiceError } from '@sluice/contract/error'
import { type Item, type ItemInput, itemInput, maxTextLength, toItem } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import { senderLeft } from '../gate/body.ts'
import { parseJsonPart } from '../gate/json-body.ts'
import { limits } from '../gate/limits.ts'
import { type MemoryShare, unlimitedMemory } from '../gate/memory.ts'
import { createTurns } from '../gate/turns.ts'
import { type UniqueIds, uniqueIds } from './unique-ids.ts'

/** A line may contain one text of the greatest length, escaped, and the rest of its item. */
const maxLineLength = 2 * maxTextLength + 65_536
/** UTF-8 takes up to 3 bytes for a UTF-16 unit. */
const maxLineBytes = 3 * maxLineLength
const splitBytes = 16 * 1024

/** The items of a JSON request, checked and with their ids. */
export function* itemsOf(inputs: readonly ItemInput[]): Generator<Item> {
  const unique = uniqueIds()
  for (const [index, input] of inputs.entries()) {
    const item = toItem(input, index)
    const first = unique(item.id, index)
    if (first !== undefined) {
      throw invalidRequest(
        'duplicate_id',
        `items[${index}].id: '${item.id}' is the id of items[${first}] already: ids are unique within a batch.`,
        `items[${index}].id`,
      )
    }
    yield item
  }
}

export interface LineOptions {
  /** Index of the first item. */
  readonly from?: number
  readonly ids?: UniqueIds
  /** Called with each line that is left out because it is not valid; without it the first such line ends the reading. */
  readonly skip?: (line: number, message: string) => void
  /** What the request may hold in memory. */
  readonly memory?: MemoryShare
  /** Aborts when the sender has left. */
  readonly gone?: AbortSignal
}

/** The items of an NDJSON stream, one a line, read only as fast as they are taken. A refusal names the line, counted from 1. */
export async function* readItems(
  body: AsyncIterable<Buffer>,
  { from = 0, ids = uniqueIds(), skip, memory = unlimitedMemory, gone }: LineOptions = {},
): AsyncGenerator<Item> {
  const turn = createTurns()
  let line = 0
  let index = from
  for await (const texts of lines(body, memory)) {
    for (const text of texts) {
      line += 1
      const item = isBlank(text) ? undefined : itemOf(text, line, index)
      if (item === undefined) {
        if (line - (index - from) > limits.emptyLines + (index - from)) throw tooManyEmptyLines()
      } else {
        yield item
        index += 1
      }
      const others = turn()
      if (others !== undefined) await others
      // A small body may have arrived as a whole: only here is it noticed that its sender has left.
      if (gone?.aborted) throw senderLeft()
    }
  }

  /** Undefined: the line is not valid and was left out. */
  function itemOf(text: string, line: number, index: number): Item | undefined {
    try {
      const item = toItem(parseLine(text, line), index)
      const first = ids(item.id, index)
      if (first === undefined) return item
      throw invalidRequest(
        'duplicate_id',
        `Line ${line}: '${item.id}' is the id of item ${first} (counted from 0) already: ids are unique within a batch.`,
        `line ${line}`,
      )
    } catch (error) {
      if (skip === undefined || !(error instanceof SluiceError)) throw error
      skip(line, error.message)
      return undefined
    }
  }
}

function parseLine(text: string, line: number): ItemInput {
  const value = parseJsonPart(text, `line ${line}`)
  try {
    return parse(itemInput, value)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    throw invalidRequest(
      'invalid_item',
      `Line ${line}: ${error.message}`,
      error.param === null ? `line ${line}` : `line ${line}: ${error.param}`,
    )
  }
}

function isBlank(text: string): boolean {
  // Most lines begin with `{` or `"`. Only others are checked as a whole.
  const first = text.charCodeAt(0)
  return first !== 0x7b && first !== 0x22 && text.trim() === ''
}

function tooManyEmptyLines(): SluiceError {
  return invalidRequest(
    'too_many_empty_lines',
    `More than ${limits.emptyLines.toLocaleString('en')} lines are blank or not valid: send one item on each line.`,
  )
}

/** The lines of each chunk that it completes. A line without its end is kept, and counts as memory of the request. */
async function* lines(body: AsyncIterable<Buffer>, memory: MemoryShare): AsyncGenerator<string[]> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(0x0a)
    if (end >= 0) {
      const complete = held.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...held, chunk.subarray(0, end)])
      memory.give(heldBytes)
      held = []
      heldBytes = 0
      yield* split(complete)
    }
    const rest = chunk.subarray(end + 1)
    if (rest.length === 0) continue
    memory.take(rest.length)
    held.push(rest)
    heldBytes += rest.length
    if (heldBytes > maxLineBytes) throw lineTooLong()
  }
  if (heldBytes > 0) yield* split(Buffer.concat(held))
}

/** At most 16 KB of short lines at a time: splitting more of them at once would take a turn by itself. */
function* split(bytes: Buffer): Generator<string[]> {
  let from = 0
  while (from <= bytes.length) {
    const near = bytes.indexOf(0x0a, from + splitBytes)
    const to = near < 0 ? bytes.length : near
    const texts = bytes.toString('utf8', from, to).split('\n')
    if (texts.some((text) => text.length > maxLineLength)) throw lineTooLong()
    yield texts
    from = to + 1
  }
}

function lineTooLong(): SluiceError {
  return invalidRequest('too_large', `A line has at most ${maxLineLength.toLocaleString('en')} characters.`)
}
