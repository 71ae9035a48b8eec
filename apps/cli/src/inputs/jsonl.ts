import type { ItemInput } from '@sluice/contract/item'
import { checkItem } from './check-item.ts'
import { type Fields, InputError, type Skip } from './input.ts'
import { lines } from './text.ts'

/** Each line is a JSON string, an object with text, `id` and `metadata` as in the API, or any object with a field that contains the text. */
export async function* readJsonl(
  texts: AsyncIterable<string>,
  { name, fields, skip }: { readonly name: string; readonly fields: Fields; readonly skip: Skip | undefined },
): AsyncGenerator<ItemInput> {
  for await (const { number, line } of lines(texts, name)) {
    if (line.trim() === '') continue
    const item = checkItem(`${name} line ${number}`, () => toItem(parseLine(line), fields), skip)
    if (item !== undefined) yield item
  }
}

/** Each line is a text. Empty lines are skipped. */
export async function* readLines(
  texts: AsyncIterable<string>,
  { name, skip }: { readonly name: string; readonly skip: Skip | undefined },
): AsyncGenerator<ItemInput> {
  for await (const { number, line } of lines(texts, name)) {
    if (line.trim() === '') continue
    const item = checkItem(`${name} line ${number}`, () => line, skip)
    if (item !== undefined) yield item
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch (error) {
    const hint = line.trim() === '[' ? ' To convert a JSON array to lines: jq -c ".[]" file.json > file.jsonl' : ''
    throw new InputError(`Invalid JSON: ${(error as Error).message}.${hint}`)
  }
}

function toItem(value: unknown, { column, idColumn, keep }: Fields): unknown {
  if (typeof value === 'string') return value
  if (!isObject(value)) throw new InputError('The line is neither a JSON string nor an object.')
  const text = field(value, column ?? 'text', '--column')
  if (typeof text !== 'string') throw new InputError(`The field '${column ?? 'text'}' is not a string.`)
  const id = idColumn === undefined ? value['id'] : field(value, idColumn, '--id-column')
  const given = isObject(value['metadata']) ? value['metadata'] : {}
  const metadata = { ...given, ...Object.fromEntries(keep.map((name) => [name, value[name] ?? null])) }
  return {
    text,
    ...(id === undefined || id === null ? {} : { id: typeof id === 'number' ? String(id) : id }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  }
}

function field(value: Record<string, unknown>, name: string, option: string): unknown {
  if (Object.hasOwn(value, name)) return value[name]
  const there = Object.keys(value)
    .slice(0, 20)
    .map((key) => `'${key}'`)
    .join(', ')
  throw new InputError(
    `There is no field '${name}'; the fields are ${there || 'none'}. Name the right one with ${option}.`,
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
