/**
 * Consecutive summaries that go into one call together: as many as have at most `mostTokens`, but at least two, so that each level has at
 * most half the calls of the one before it. Tells the index behind the last of each group.
 */
export function groupSummaries(tokens: readonly number[], mostTokens: number): number[] {
  const ends: number[] = []
  let start = 0
  let sum = 0
  for (const [index, own] of tokens.entries()) {
    if (sum + own > mostTokens && index - start >= 2) {
      ends.push(index)
      start = index
      sum = 0
    }
    sum += own
  }
  // One that is left over alone would only be summarised again: its neighbour comes to it, or it goes to its neighbours.
  if (tokens.length - start === 1 && ends.length > 0) {
    const last = ends.pop()!
    if (last - (ends.at(-1) ?? 0) > 2) ends.push(last - 1)
  }
  return [...ends, tokens.length]
}
