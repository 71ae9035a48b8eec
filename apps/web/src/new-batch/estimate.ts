import type { Estimate } from '@sluice/contract/estimate'
import type { LaneView } from '@sluice/contract/lane-view'

export interface ShownEstimate {
  readonly items: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number | null
  /** Of the whole batch, alone on its lane; null when nothing is known of the lane's speed. */
  readonly seconds: number | null
  /** What determines the time. */
  readonly binds: string | null
}

const usualCallS = 2

/** From an estimate of the first items to the whole batch. */
export function scaleEstimate(sample: Estimate, items: number, lane: LaneView | undefined): ShownEstimate {
  const factor = sample.items === 0 ? 0 : items / sample.items
  const inputTokens = Math.round(sample.input_tokens * factor)
  const outputTokens = Math.round(sample.output_tokens * factor)
  const time = lane === undefined ? null : timeOn(lane, items, inputTokens + outputTokens)
  return {
    items,
    inputTokens,
    outputTokens,
    costUsd: sample.cost_usd === null ? null : sample.cost_usd * factor,
    seconds: time?.seconds ?? null,
    binds: time?.binds ?? null,
  }
}

/** The longest of what the calls in flight, and each known limit, take. */
function timeOn(lane: LaneView, items: number, tokens: number): { seconds: number; binds: string } | null {
  const { count, sum } = lane.call_seconds
  const callS = count === 0 ? usualCallS : sum / count
  const times = [
    ...(lane.concurrency > 0
      ? [{ seconds: (items * callS) / lane.concurrency, binds: `${lane.concurrency} calls at once` }]
      : []),
    ...[...lane.limits, ...lane.models.flatMap(({ limits }) => limits)].flatMap(
      ({ name, unit, limit, period_s: period }) => {
        if (limit === null || period === null || limit <= 0) return []
        const amount = unit === 'requests' ? items : tokens
        // What a limit lets through at once takes no time.
        return [{ seconds: (Math.max(0, amount - limit) / limit) * period, binds: name }]
      },
    ),
  ]
  return times.toSorted((a, b) => b.seconds - a.seconds)[0] ?? null
}
