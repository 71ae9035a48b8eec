/** Lines of a table with a header. Cells are cut so that the table fits into `columns`; the widest columns shrink first. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const gap = 2
  const available = Math.max(head.length * 4, columns - gap * (head.length - 1) - 1)
  while (widths.reduce((sum, width) => sum + width, 0) > available) {
    widths[widths.indexOf(Math.max(...widths))]! -= 1
  }
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cut(cell, widths[i]!).padEnd(widths[i]!))
      .join(' '.repeat(gap))
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}

/** A value of a result, formatted for a cell. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll(/\s+/g, ' ')
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 3))}...`
}
