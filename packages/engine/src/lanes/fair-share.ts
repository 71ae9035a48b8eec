/** A batch that may get more items into its lane's window. */
export interface Candidate {
  readonly batchId: string
  /** Its priority: it gets this many parts. */
  readonly weight: number
  /** Items it has in the window now. */
  readonly open: number
}

/**
 * Divides `free` places of a window among batches so that what each holds in the end is in proportion to its weight, as far as that
 * is possible without taking anything back (weighted max-min fairness: Bertsekas and Gallager, Data Networks, 6.5.2): the places fill
 * up the least loaded batches first, as water does. Places left over by rounding go to the first batches of the list, one each.
 * Returns the number of places for each batch that gets any.
 */
export function divide(free: number, candidates: readonly Candidate[]): Map<string, number> {
  const places = new Map<string, number>()
  if (free <= 0 || candidates.length === 0) return places
  const level = waterLevel(free, candidates)
  let left = free
  for (const { batchId, weight, open } of candidates) {
    const given = Math.max(0, Math.floor(level * weight + 1e-9) - open)
    if (given > 0) places.set(batchId, given)
    left -= given
  }
  // Only those that the level reaches are due the rest.
  for (const { batchId, weight, open } of candidates) {
    if (left <= 0) break
    if (open > level * weight) continue
    places.set(batchId, (places.get(batchId) ?? 0) + 1)
    left -= 1
  }
  return places
}

/** The load (items for each unit of weight) to which `free` items fill up the least loaded candidates. */
function waterLevel(free: number, candidates: readonly Candidate[]): number {
  const byLoad = candidates.toSorted((a, b) => a.open / a.weight - b.open / b.weight)
  let weight = 0
  let items = free
  let level = 0
  for (const [i, candidate] of byLoad.entries()) {
    weight += candidate.weight
    items += candidate.open
    level = items / weight
    const next = byLoad[i + 1]
    if (next === undefined || level <= next.open / next.weight) return level
  }
  return level
}
