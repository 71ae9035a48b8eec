/**
 * Groups consecutive summaries, one call per group: as many as fit in `mostTokens`, but at least two, so that each level has at most half
 * the calls of the level before. Returns the index after the last summary of each group.
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
  // A group of one would only summarize a summary again: it takes its neighbour, or joins the group before.
  if (tokens.length - start === 1 && ends.length > 0) {
    const last = ends.pop()!
    if (last - (ends.at(-1) ?? 0) > 2) ends.push(last - 1)
  }
  return [...ends, tokens.length]
}
