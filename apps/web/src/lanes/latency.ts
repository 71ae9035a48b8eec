import type { LaneView } from '@sluice/contract/lane-view'

/** The latency that a share of all calls stayed below, in seconds, from cumulative counts by upper bound. Null without calls. */
export function latencyBelow({ buckets, count }: LaneView['call_seconds'], share: number): number | null {
  if (count === 0) return null
  const wanted = count * share
  let [lower, before] = [0, 0]
  const bounds = Object.entries(buckets)
    .map(([bound, calls]) => ({ bound: Number(bound), calls }))
    .filter(({ bound }) => Number.isFinite(bound))
    .sort((a, b) => a.bound - b.bound)
  for (const { bound, calls } of bounds) {
    if (calls >= wanted)
      return calls === before ? bound : lower + ((bound - lower) * (wanted - before)) / (calls - before)
    ;[lower, before] = [bound, calls]
  }
  return lower
}
