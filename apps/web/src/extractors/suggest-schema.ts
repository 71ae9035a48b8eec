import type { Field, FieldType } from './fields.ts'

/** More different values than this, and a field is a text and no choice. */
const mostChoices = 6

/**
 * Fields that fit rows written by hand: the columns are the names, the cells the answers that a person would give. An empty cell
 * means that a text may not say it.
 */
export function suggestFields(columns: readonly string[], rows: readonly (readonly string[])[]): Field[] {
  const used = rows.filter((row) => row.some((cell) => cell.trim() !== ''))
  return columns.flatMap((column, at) => {
    const name = column.trim()
    if (name === '') return []
    const cells = used.map((row) => (row[at] ?? '').trim())
    const values = cells.filter((cell) => cell !== '' && !/^(null|none|-|–|n\/a)$/i.test(cell))
    const type = typeOf(values)
    return [
      {
        name,
        type,
        description: '',
        choices: type === 'choice' ? [...new Set(values)] : [],
        always: values.length === cells.length,
      },
    ]
  })
}

function typeOf(values: readonly string[]): FieldType {
  if (values.length === 0) return 'text'
  const all = (pattern: RegExp) => values.every((value) => pattern.test(value))
  // A number that begins with 0 is a code, such as a postcode.
  const isCode = values.some((value) => /^0\d/.test(value))
  if (!isCode && all(/^[+-]?\d{1,15}$/)) return 'integer'
  if (!isCode && all(/^[+-]?\d+([.]\d+)?$/)) return 'number'
  if (all(/^(yes|no|true|false)$/i)) return 'boolean'
  if (all(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/)) return 'date'
  if (values.some((value) => value.includes(';'))) return 'texts'
  const different = new Set(values)
  // Values that come again, and are no sentences, are names of kinds.
  const isShort = values.every((value) => value.length <= 30 && value.split(/\s+/).length <= 3)
  if (values.length >= 3 && different.size < values.length && different.size <= mostChoices && isShort) return 'choice'
  return 'text'
}
