const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const moment = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })

export function count(value: number): string {
  return whole.format(value)
}

/** `1.2M`, for places that are too narrow for all digits. */
export function shortCount(value: number): string {
  return short.format(value)
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Small amounts keep two digits that say something: `$0.0042`. */
export function money(usd: number): string {
  if (usd === 0) return '$0'
  if (Math.abs(usd) >= 100) return `$${whole.format(usd)}`
  if (Math.abs(usd) >= 0.1) return `$${usd.toFixed(2)}`
  const digits = Math.min(8, 1 - Math.floor(Math.log10(Math.abs(usd))))
  return `$${usd.toFixed(digits)}`
}

export function percent(part: number, total: number): number {
  return total === 0 ? 0 : (part / total) * 100
}

/** Whole percent; 100 only when nothing is left. */
export function shownPercent(part: number, total: number): string {
  const exact = percent(part, total)
  if (exact > 0 && exact < 1) return '<1%'
  return `${exact >= 100 ? 100 : Math.min(99, Math.round(exact))}%`
}

/** Two units at most: `2 h 5 min`. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds)
  if (s < 1) return s === 0 ? '0 s' : '<1 s'
  if (s < 10) return `${Number(s.toFixed(1))} s`
  if (s < 60) return `${Math.round(s)} s`
  if (s < 600) return two(Math.round(s), 60, 'min', 's')
  if (s < 3_600) return `${Math.round(s / 60)} min`
  if (s < 86_400) return two(Math.round(s / 60), 60, 'h', 'min')
  return two(Math.round(s / 3_600), 24, 'd', 'h')
}

function two(value: number, size: number, large: string, small: string): string {
  const rest = value % size
  return `${Math.floor(value / size)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}

/** `3 to 5 min`, in one unit and rounded, because an estimate is no stopwatch; one value where both ends look the same. */
export function durationRange({ p50, p90 }: { readonly p50: number; readonly p90: number }): string {
  const [unit, size] = p90 < 100 ? ['s', 1] : p90 < 5_400 ? ['min', 60] : p90 < 172_800 ? ['h', 3_600] : ['d', 86_400]
  const [from, to] = [p50, p90].map((seconds) => rounded(seconds / size))
  if (to === 0) return 'a moment'
  return from === to ? `about ${to} ${unit}` : `${from} to ${to} ${unit}`
}

function rounded(value: number): number {
  return value < 10 ? Math.round(value * 2) / 2 : Math.round(value)
}

export function milliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : duration(ms / 1_000)
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return '0/s'
  if (perSecond < 1) return `${Number((perSecond * 60).toFixed(1))}/min`
  return `${perSecond < 10 ? Number(perSecond.toFixed(1)) : short.format(perSecond)}/s`
}

export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let [size, unit] = [value, 0]
  while (size >= 1_000 && unit < units.length - 1) [size, unit] = [size / 1_000, unit + 1]
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

/** Of unix seconds. */
export function timeOf(unixS: number): string {
  return moment.format(unixS * 1_000)
}

export function clockOf(unixS: number): string {
  return clock.format(unixS * 1_000)
}

/** How long ago, of unix seconds; the exact time after a week. */
export function since(unixS: number, nowMs: number): string {
  const s = nowMs / 1_000 - unixS
  if (s < 5) return 'just now'
  if (s < 60) return `${Math.round(s)} s ago`
  if (s < 3_600) return `${Math.round(s / 60)} min ago`
  if (s < 86_400) return `${Math.round(s / 3_600)} h ago`
  if (s < 7 * 86_400) return `${Math.round(s / 86_400)} d ago`
  return timeOf(unixS)
}
