import type { Result } from '@sluice/contract/result'
import { columnsOf } from '@sluice/schema/columns'

/** What begins with one of these, a spreadsheet may run as a formula. */
const formula = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/

export interface CsvOptions {
  /** What the values look like; null: anything. */
  readonly schema: unknown
  /** The results are responses of the provider, and not values. */
  readonly isRequest: boolean
  /** Each of these is a column. */
  readonly metadata: readonly string[]
  /** `escape`: a text that a spreadsheet may take for a formula begins with an apostrophe. */
  readonly formulas: 'escape' | 'keep'
}

export interface Csv {
  readonly header: string
  readonly row: (result: Result) => string
}

interface Column {
  readonly name: string
  readonly of: (result: Result) => unknown
}

/**
 * Results as a table by RFC 4180. Nested values have columns as `a.b`; lists, and what has no column, are JSON. A raw request has the
 * columns `status_code`, `request_id` and `response`, which is the provider's JSON as it came.
 */
export function createCsv({ schema, isRequest, metadata, formulas }: CsvOptions): Csv {
  const before: Column[] = [
    { name: 'index', of: ({ index }) => index },
    { name: 'id', of: ({ id }) => id },
    { name: 'status', of: ({ status }) => status },
  ]
  const after: Column[] = [
    { name: 'error_type', of: ({ error }) => error?.type },
    { name: 'error_message', of: ({ error }) => error?.message },
    { name: 'attempts', of: ({ attempts }) => attempts },
    { name: 'cost_usd', of: ({ cost_usd: cost }) => cost },
    ...metadata.map((key) => ({ name: `metadata.${key}`, of: (result: Result) => valueAt(result.metadata, [key]) })),
  ]
  const taken = new Set([...before, ...after].map(({ name }) => name))
  const columns = [...before, ...(isRequest ? responseColumns : valueColumns(schema, taken)), ...after]
  return {
    header: line(columns.map(({ name }) => cell(name, formulas))),
    row: (result) => line(columns.map(({ of }) => cell(of(result), formulas))),
  }
}

const responseColumns: readonly Column[] = [
  { name: 'status_code', of: ({ response }) => response?.status_code },
  { name: 'request_id', of: ({ response }) => response?.request_id },
  { name: 'response', of: ({ response }) => response?.body },
]

/** A name that is `taken` begins with `data.` here. */
function valueColumns(schema: unknown, taken: ReadonlySet<string>): readonly Column[] {
  const { paths, isOpen } = columnsOf(schema)
  const data = paths.map((path): Column => {
    const name = path.length === 0 ? 'data' : path.join('.')
    return { name: taken.has(name) ? `data.${name}` : name, of: (result) => valueAt(result.data, path) }
  })
  const rest: Column[] = isOpen ? [{ name: 'data.more', of: ({ data: value }) => withoutColumns(value, paths) }] : []
  return [...data, ...rest]
}

function line(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`
}

function cell(value: unknown, formulas: CsvOptions['formulas']): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') return quoted(JSON.stringify(value))
  return quoted(formulas === 'escape' && formula.test(value) ? `'${value}` : value)
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}

/** The properties that no column shows; undefined where there are none. */
function withoutColumns(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const rest = Object.entries(value).flatMap(([name, inner]) => {
    const below = paths.filter((path) => path[0] === name).map((path) => path.slice(1))
    if (below.length === 0) return [[name, inner] as const]
    if (below.some((path) => path.length === 0)) return []
    const more = withoutColumns(inner, below)
    return more === undefined ? [] : [[name, more] as const]
  })
  return rest.length === 0 ? undefined : Object.fromEntries(rest)
}
