import { StringDecoder } from 'node:string_decoder'
import { invalidRequest, SluiceError } from '@sluice/contract/error'
import { type Item, type ItemInput, itemInput, maxTextLength, toItem } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import { type UniqueIds, uniqueIds } from './unique-ids.ts'

/** A line may hold one text of the greatest length, escaped, and what stands around it. */
const maxLineLength = 2 * maxTextLength + 65_536

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
  /** Told of each line that is left out because it is not valid; without it the first such line ends the reading. */
  readonly skip?: (line: number, message: string) => void
}

/** The items of an NDJSON stream, one a line, read only as fast as they are taken. What is wrong is told with its line, counted from 1. */
export async function* readItems(
  body: AsyncIterable<Buffer>,
  { from = 0, ids = uniqueIds(), skip }: LineOptions = {},
): AsyncGenerator<Item> {
  let line = 0
  let index = from
  for await (const text of lines(body)) {
    line += 1
    if (text.trim() === '') continue
    try {
      yield itemOf(text, line, index)
      index += 1
    } catch (error) {
      if (skip === undefined || !(error instanceof SluiceError)) throw error
      skip(line, error.message)
    }
  }

  function itemOf(text: string, line: number, index: number): Item {
    const item = toItem(parseLine(text, line), index)
    const first = ids(item.id, index)
    if (first !== undefined) {
      throw invalidRequest(
        'duplicate_id',
        `Line ${line}: '${item.id}' is the id of item ${first} (counted from 0) already: ids are unique within a batch.`,
        `line ${line}`,
      )
    }
    return item
  }
}

function parseLine(text: string, line: number): ItemInput {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalidRequest('invalid_json', `Line ${line} is not valid JSON: ${(error as Error).message}`, `line ${line}`)
  }
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

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > maxLineLength)
      throw invalidRequest('too_large', `A line has at most ${maxLineLength.toLocaleString('en')} characters.`)
    yield* parts
  }
  if (rest !== '') yield rest
}
