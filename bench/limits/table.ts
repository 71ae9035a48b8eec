import type { Measured } from './measure.ts'

const whole = (value: number) => Math.round(value).toLocaleString('en')
/** Small percentages have two decimals, because the promise is 0.1 % refused. */
const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`

interface Column {
  readonly title: string
  readonly of: (measured: Measured) => string
}

const columns: readonly Column[] = [
  { title: 'system', of: ({ system }) => system },
  { title: 'limit used', of: ({ utilisation }) => utilisation.toFixed(3) },
  { title: 'refused', of: ({ refused }) => whole(refused) },
  { title: 'refused, %', of: ({ refusedShare }) => percent(refusedShare) },
  { title: 'lost', of: ({ lost }) => whole(lost) },
  { title: 'wall s', of: ({ seconds }) => seconds.toFixed(1) },
  { title: 'CPU us per item', of: ({ cpuUs }) => whole(cpuUs) },
  { title: 'other CPU us', of: ({ othersCpuUs }) => (othersCpuUs === null ? '-' : whole(othersCpuUs)) },
]
const neighbour: Column = {
  title: "other client's refused, %",
  of: ({ neighbourRefusedShare: share }) => (share === null ? '-' : percent(share)),
}

function columnsFor(all: readonly Measured[]): readonly Column[] {
  return all.some((one) => one.neighbourRefusedShare !== null) ? [...columns, neighbour] : columns
}

export function plainTable(all: readonly Measured[]): string {
  const used = columnsFor(all)
  const lines = [used.map(({ title }) => title), ...all.map((one) => used.map(({ of }) => of(one)))]
  const widths = used.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)))
  const format = (line: readonly string[]) =>
    line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ')
  return lines.map(format).join('\n')
}

export function markdownTable(all: readonly Measured[]): string {
  const used = columnsFor(all)
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    row(used.map(({ title }) => title)),
    row(used.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...all.map((one) => row(used.map(({ of }) => of(one)))),
  ].join('\n')
}
