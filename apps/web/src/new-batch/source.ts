import { messageOf } from '../http.ts'
import { type Cells, readRows, type TableKind } from './read-rows.ts'

/** What a person wants to have extracted: pasted texts, a table of rows, or documents. */
export type Source = PastedTexts | Table | Documents

export interface PastedTexts {
  readonly kind: 'pasted'
  readonly text: string
  readonly split: 'lines' | 'blank lines' | 'none'
  readonly name: string | null
}
export interface Table {
  readonly kind: 'table'
  readonly file: File
  readonly format: TableKind
  readonly columns: readonly string[]
  readonly preview: readonly Cells[]
  /** Rows in all; an estimate from the size where the file is too large to be read now. */
  readonly rows: number
  readonly exact: boolean
}
interface Documents {
  readonly kind: 'documents'
  readonly files: readonly File[]
}

const previewRows = 1_000
const previewBytes = 2_000_000
/** A text file up to this size is shown in the page, where its lines can be seen and changed. */
const shownTextBytes = 1_000_000

/** Decides by the name of a file what it is. Throws an error that says what is wrong with it. */
export async function openFiles(files: readonly File[]): Promise<Source> {
  const [first] = files
  if (first === undefined) throw new Error('There is no file in what you dropped.')
  if (files.length > 1) return { kind: 'documents', files }
  const format = formatOf(first.name)
  if (format !== null) return openTable(first, format)
  if (/\.txt$/i.test(first.name) && first.size <= shownTextBytes)
    return { kind: 'pasted', text: await first.text(), split: 'lines', name: first.name }
  return { kind: 'documents', files }
}

function formatOf(name: string): TableKind | null {
  if (/\.(csv|tsv|tab)$/i.test(name)) return 'csv'
  if (/\.(jsonl|ndjson)$/i.test(name)) return 'jsonl'
  return /\.json$/i.test(name) ? 'json' : null
}

async function openTable(file: File, format: TableKind): Promise<Table> {
  const preview: Cells[] = []
  let columns: readonly string[] = []
  let bytes = 0
  let exact = true
  try {
    for await (const row of readRows(file, format)) {
      if (columns.length === 0) columns = row.columns
      else if (format !== 'csv') columns = [...new Set([...columns, ...row.columns])]
      preview.push(row)
      bytes += bytesOf(row, format)
      if (preview.length < previewRows && bytes < previewBytes) continue
      exact = format === 'json'
      if (!exact) break
    }
  } catch (error) {
    throw new Error(`${file.name}: ${messageOf(error)}`, { cause: error })
  }
  if (preview.length === 0) throw new Error(`${file.name} has no rows.`)
  const rows = exact ? preview.length : Math.max(preview.length, Math.round((file.size / bytes) * preview.length))
  return { kind: 'table', file, format, columns, preview, rows, exact }
}

/** About what the row takes in its file: the values with what separates them, and in JSON the names. */
function bytesOf(row: Cells, format: TableKind): number {
  const names = format === 'csv' ? row.columns.length : row.columns.join('":"",').length
  return new TextEncoder().encode(row.columns.map((column) => row.get(column) ?? '').join('')).length + names
}

/** The column that most likely has the texts: named so, or with the longest values. */
export function guessTextColumn({ columns, preview }: Pick<Table, 'columns' | 'preview'>): string {
  const named = columns.find((name) => /^(text|body|content|message|comment|review|description)$/i.test(name.trim()))
  if (named !== undefined) return named
  const length = (name: string) => preview.reduce((sum, row) => sum + (row.get(name)?.length ?? 0), 0)
  return columns.toSorted((a, b) => length(b) - length(a))[0] ?? ''
}

/** A column named `id` whose values are all there and all different. */
export function guessIdColumn({ columns, preview }: Pick<Table, 'columns' | 'preview'>): string {
  const named = columns.find((name) => /^(id|key|uuid)$/i.test(name.trim()))
  if (named === undefined) return ''
  const values = preview.map((row) => row.get(named) ?? '')
  return values.every((value) => value !== '') && new Set(values).size === values.length ? named : ''
}

export function splitTexts({ text, split }: Pick<PastedTexts, 'text' | 'split'>): string[] {
  const parts = split === 'none' ? [text] : text.split(split === 'lines' ? /\r?\n/ : /(?:\r?\n[ \t]*){2,}/)
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
