interface Decimal {
  /** Without zeros at either end. */
  readonly digits: string
  /** The value is `digits` times ten to this power. */
  readonly exponent: number
}

/**
 * Whether a numeral of JSON keeps its value as a number. Integers above 2^53 are rounded, also where they are written as `1e16` or with a
 * fraction; 1e400 becomes infinite, 1e-400 becomes 0, and 1.00000000000000000001 becomes the integer 1. The last digits of a long fraction may be lost.
 */
export function isExact(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false
  // Most numbers end here.
  if (source.length <= 15 && !/[eE]/.test(source)) return true
  if (!Number.isInteger(value)) return true
  const written = decimalOf(source)
  if (written.digits === '' || value === 0) return written.digits === '' && value === 0
  const kept = decimalOf(String(value))
  if (written.digits === kept.digits && written.exponent === kept.exponent) return true
  // Powers of two are exact, and are shown with fewer digits. A finite number has at most 309 digits before its point.
  return written.exponent >= 0 && BigInt(written.digits) * 10n ** BigInt(written.exponent) === BigInt(Math.abs(value))
}

function decimalOf(source: string): Decimal {
  const [mantissa = '', power = '0'] = source.split(/[eE]/)
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const all = whole + fraction
  let from = 0
  while (all[from] === '0') from += 1
  let to = all.length
  while (to > from && all[to - 1] === '0') to -= 1
  return { digits: all.slice(from, to), exponent: Number(power) - fraction.length + (all.length - to) }
}
