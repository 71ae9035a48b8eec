/** Sums over points (x, y) that a line is fitted to. */
export interface Samples {
  readonly count: number
  readonly x: number
  readonly y: number
  readonly xx: number
  readonly xy: number
  readonly yy: number
}

export const noSamples: Samples = { count: 0, x: 0, y: 0, xx: 0, xy: 0, yy: 0 }

export function add(to: Samples, x: number, y: number): Samples {
  return {
    count: to.count + 1,
    x: to.x + x,
    y: to.y + y,
    xx: to.xx + x * x,
    xy: to.xy + x * y,
    yy: to.yy + y * y,
  }
}

/** As if there had been `part` as many. */
export function fade(of: Samples, part: number): Samples {
  return {
    count: of.count * part,
    x: of.x * part,
    y: of.y * part,
    xx: of.xx * part,
    xy: of.xy * part,
    yy: of.yy * part,
  }
}

/** The slope of the least-squares line and its standard error, which is infinite where the points tell nothing. */
export function fit({ count, x, y, xx, xy, yy }: Samples): { readonly slope: number; readonly error: number } {
  const spread = xx - (x * x) / count
  if (count < 4 || spread < 1e-4) return { slope: 0, error: Number.POSITIVE_INFINITY }
  const slope = (xy - (x * y) / count) / spread
  const left = Math.max(0, yy - (y * y) / count - slope * slope * spread)
  return { slope, error: Math.sqrt(left / (count - 2) / spread) }
}
