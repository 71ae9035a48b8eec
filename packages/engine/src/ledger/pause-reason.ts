/** Paused by a user. */
export const byUser = 'user'
/** Paused because the next call might exceed the batch's `max_cost_usd`. */
export const overCost = 'max_cost_usd: the next call might take the batch beyond it'

/** Paused because nothing on its lane can succeed. */
export function isOfLane(reason: string | null | undefined): reason is string {
  return reason !== '' && reason !== null && reason !== undefined && reason !== byUser && reason !== overCost
}
