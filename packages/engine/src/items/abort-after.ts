/** What a timer of Node holds: 24.8 days. A longer one would end at once. */
const longestMs = 2 ** 31 - 1

/** A signal that aborts after `ms`: any number, as seconds times 1,000 are rarely whole, and `AbortSignal.timeout` takes no other. */
export function abortAfter(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.min(longestMs, Math.max(0, Math.ceil(ms))))
}
