import type { Case } from './cases.ts'

/** Median of a call; the last one is still to be waited for when all have been admitted. */
export const latencyMs = 300

/** Seconds in which the provider admits so much of the case's unit, the burst and a change of the limit included, and one call's latency. */
export function idealSeconds({ perSecond, burstS, change }: Case, amount: number): number {
  return admission(amount, perSecond, burstS, change) + latencyMs / 1_000
}

function admission(amount: number, perSecond: number, burstS: number, change: Case['change']): number {
  const atOnce = perSecond * burstS
  if (amount <= atOnce) return 0
  const seconds = (amount - atOnce) / perSecond
  if (change === null || seconds <= change.atS) return seconds
  const before = atOnce + perSecond * change.atS
  return change.atS + admission(amount - before, change.perSecond, burstS, null)
}
