export type TableKind = 'csv' | 'jsonl' | 'json'

/** One row by column. */
export interface Cells {
  readonly columns: readonly string[]
  get(column: string): string | undefined
  /** The value as it is: in JSON files also a number, a list or an object. */
  value(column: string): unknown
}

/** The name of the only column where a line of a JSON file is a text and no object. */
const textOnly = 'text'
const mostJsonBytes = 100_000_000
const encodingBytes = 1_000_000

/** Rows as they are read. Throws for a file that is not what its name says, with the line. */
export async function* readRows(file: File, kind: TableKind): AsyncGenerator<Cells> {
  switch (kind) {
    case 'csv':
      return yield* readCsv(file)
    case 'jsonl':
      return yield* readJsonLines(file)
    case 'json':
      return yield* readJsonList(file)
    default:
      return kind satisfies never
  }
}

/** As text, in UTF-8 or, where it is not, in what Excel writes in the west. */
async function* readText(file: File): AsyncGenerator<string> {
  const decoder = new TextDecoder(await encodingOf(file))
  const reader = file.stream().getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const text = decoder.decode(next.value, { stream: true })
      if (text !== '') yield text
    }
    const rest = decoder.decode()
    if (rest !== '') yield rest
  } finally {
    await reader.cancel()
  }
}

async function encodingOf(file: File): Promise<string> {
  const start = new Uint8Array(await file.slice(0, encodingBytes).arrayBuffer())
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff))
    return start[0] === 0xff ? 'utf-16le' : 'utf-16be'
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true })
    return 'utf-8'
  } catch {
    return 'windows-1252'
  }
}

/** The part of csv-parse's stream that is used here. */
interface CsvStream {
  write(text: string): boolean
  end(): void
  read(): string[] | null
  on(event: 'readable' | 'end', listener: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
  once(event: 'drain', listener: () => void): void
}

/** The same library and options as the command line. The first row names the columns. */
async function* readCsv(file: File): AsyncGenerator<Cells> {
  const library: unknown = await import('csv-parse/browser/esm')
  const { parse } = library as { readonly parse: (options: object) => CsvStream }
  let stream: CsvStream | undefined
  let records: string[][] = []
  let columns: string[] | undefined
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  let problem: Error | undefined

  const open = (head: string): CsvStream => {
    const made = parse({ delimiter: delimiterOf(head), skip_empty_lines: true, relax_column_count: true, bom: true })
    made.on('readable', () => {
      for (let record = made.read(); record !== null; record = made.read()) records.push(record)
    })
    made.on('end', () => ended.resolve())
    made.on('error', (error) => {
      problem = error
      ended.reject(error)
    })
    return made
  }
  const take = function* (): Generator<Cells> {
    if (problem !== undefined) throw problem
    const taken = records
    records = []
    for (const record of taken) {
      if (columns === undefined) columns = nameColumns(record)
      else yield cellsOf(columns, record)
    }
  }
  for await (const text of readText(file)) {
    stream ??= open(text)
    if (!stream.write(text)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      stream.once('drain', resolve)
      await Promise.race([promise, ended.promise])
    }
    yield* take()
  }
  if (stream === undefined) return
  stream.end()
  await ended.promise
  yield* take()
}

function delimiterOf(text: string): string {
  const [line = ''] = text.split('\n', 1)
  const unquoted = line.replaceAll(/"[^"]*"/g, '')
  const counted = [',', ';', '\t'].map((one) => ({ one, count: unquoted.split(one).length - 1 }))
  return counted.toSorted((a, b) => b.count - a.count)[0]!.one
}

/** Columns without a name, or with the name of another one, get one. */
function nameColumns(record: readonly string[]): string[] {
  const names: string[] = []
  for (const [at, cell] of record.entries()) {
    const name = cell.trim() === '' ? `column ${at + 1}` : cell.trim()
    names.push(names.includes(name) ? `${name} (${at + 1})` : name)
  }
  return names
}

function cellsOf(columns: readonly string[], record: readonly string[]): Cells {
  const get = (column: string) => record[columns.indexOf(column)]
  return { columns, get, value: get }
}

async function* readJsonLines(file: File): AsyncGenerator<Cells> {
  let rest = ''
  let line = 0
  const toRow = (text: string): Cells | null => {
    line += 1
    if (text.trim() === '') return null
    try {
      return rowOf(JSON.parse(text) as unknown)
    } catch (error) {
      throw new Error(`line ${line} is not valid JSON: ${(error as Error).message}`, { cause: error })
    }
  }
  for await (const text of readText(file)) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const one of lines) {
      const row = toRow(one)
      if (row !== null) yield row
    }
  }
  const row = toRow(rest)
  if (row !== null) yield row
}

async function* readJsonList(file: File): AsyncGenerator<Cells> {
  if (file.size > mostJsonBytes)
    throw new Error('it is too large to be read at once: write one object a line, as .jsonl')
  let text = ''
  for await (const part of readText(file)) text += part
  const list = JSON.parse(text) as unknown
  if (!Array.isArray(list)) throw new Error('it is not a list of objects')
  for (const value of list) yield rowOf(value)
}

/** A line is an object, or a text. */
function rowOf(value: unknown): Cells {
  if (typeof value === 'string') {
    const get = (column: string) => (column === textOnly ? value : undefined)
    return { columns: [textOnly], get, value: get }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('a row is neither an object nor a text')
  const of = (column: string): unknown =>
    Object.hasOwn(value, column) ? (value as Record<string, unknown>)[column] : undefined
  return {
    columns: Object.keys(value),
    get(column) {
      const one = of(column)
      if (one === undefined || one === null) return undefined
      return typeof one === 'string' ? one : JSON.stringify(one)
    },
    value: of,
  }
}
