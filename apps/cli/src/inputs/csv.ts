import { Readable } from 'node:stream'
import type { ItemInput } from '@sluice/contract/item'
import { CsvError, parse } from 'csv-parse'
import { checkItem } from './check-item.ts'
import { type Fields, InputError, type Skip } from './input.ts'

interface Row {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** The first row names the columns. Quoted cells may contain line breaks. The default delimiter is the most frequent one in the first line. */
export async function* readCsv(
  texts: AsyncIterable<string>,
  {
    name,
    fields,
    delimiter,
    skip,
  }: {
    readonly name: string
    readonly fields: Fields
    readonly delimiter: string | undefined
    readonly skip: Skip | undefined
  },
): AsyncGenerator<ItemInput> {
  const { head, all } = await peekFirstLine(texts)
  // Rows with another number of cells are reported below, so that they can be skipped.
  const parser = parse({
    delimiter: delimiter ?? mostFrequentDelimiter(head),
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
  })
  const source = Readable.from(all)
  source.on('error', (error) => parser.destroy(error))
  let columns: Columns | undefined
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<Row>) {
      if (columns === undefined) {
        columns = findColumns(record, fields, name)
        continue
      }
      const known = columns
      const item = checkItem(`${name} line ${info.lines}`, () => toItem(record, known), skip)
      if (item !== undefined) yield item
    }
  } catch (error) {
    throw error instanceof CsvError ? new InputError(`${name}: ${error.message}`) : error
  } finally {
    source.destroy()
  }
}

interface Columns {
  readonly names: readonly string[]
  readonly text: number
  readonly id: number | undefined
  readonly keep: readonly { readonly name: string; readonly at: number }[]
}

function findColumns(names: readonly string[], { column, idColumn, keep }: Fields, name: string): Columns {
  const there = `its columns are ${names.map((one) => `'${one}'`).join(', ')}`
  const find = (wanted: string, option: string): number => {
    const at = names.indexOf(wanted)
    if (at >= 0) return at
    throw new InputError(`${name} has no column '${wanted}' (${option}); ${there}.`)
  }
  const guessed = names.length === 1 ? 0 : names.indexOf('text')
  if (column === undefined && guessed < 0) {
    throw new InputError(`Say which column of ${name} contains the text, with --column; ${there}.`)
  }
  return {
    names,
    text: column === undefined ? guessed : find(column, '--column'),
    id: idColumn === undefined ? undefined : find(idColumn, '--id-column'),
    keep: keep.map((one) => ({ name: one, at: find(one, '--keep') })),
  }
}

function toItem(record: readonly string[], { names, text, id, keep }: Columns): unknown {
  if (record.length !== names.length) {
    throw new InputError(
      `The row has ${record.length} cells, but the first row names ${names.length} columns. Put cells that contain the delimiter into quotes.`,
    )
  }
  const cell = record[text]!
  if (cell.trim() === '') throw new InputError(`The column '${names[text]}' is empty.`)
  return {
    text: cell,
    ...(id === undefined ? {} : { id: record[id] }),
    ...(keep.length === 0 ? {} : { metadata: Object.fromEntries(keep.map(({ name, at }) => [name, record[at]])) }),
  }
}

async function peekFirstLine(texts: AsyncIterable<string>): Promise<{ head: string; all: AsyncIterable<string> }> {
  const iterator = texts[Symbol.asyncIterator]()
  let head = ''
  let done = false
  while (!done && !head.includes('\n')) {
    const next = await iterator.next()
    done = next.done === true
    if (next.done !== true) head += next.value
  }
  const all = async function* (): AsyncGenerator<string> {
    if (head !== '') yield head
    if (done) return
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  return { head: head.split('\n', 1)[0] ?? '', all: all() }
}

function mostFrequentDelimiter(head: string): string {
  const unquoted = head.replaceAll(/"[^"]*"/g, '')
  const counted = [',', ';', '\t'].map((one) => ({ one, count: unquoted.split(one).length - 1 }))
  return counted.toSorted((a, b) => b.count - a.count)[0]!.one
}
