import type { Attempt } from '@sluice/contract/batch-item'
import type { Call, Outcome } from '@sluice/contract/outcome'

/** Bounds of what is kept of the calls of one item: 16 KB as JSON in all. */
const mostLength = 16_384
const mostRaw = 4_000
const mostReason = 1_000
const mostKept = 20

/** The calls of an item with one more. Beyond the bounds, raw answers go first, then the calls in the middle. */
export function withAttempt(before: readonly Attempt[] | undefined, call: Call, nanoUsd: number): readonly Attempt[] {
  const { outcome, usage, latencyMs, raw } = call
  const reason = reasonOf(outcome)
  const attempt: Attempt = {
    at: Date.now() / 1_000,
    latency_ms: Math.round(latencyMs),
    outcome: outcome.type,
    reason: reason === null ? null : reason.slice(0, mostReason),
    usage,
    cost_usd: nanoUsd > 0 ? nanoUsd / 1e9 : null,
    raw: reason === null || raw === null ? null : raw.slice(0, mostRaw),
  }
  const all = [...(before ?? []), attempt]
  if (all.length > mostKept) all.splice(mostKept / 2, 1)
  return bounded(all)
}

function bounded(all: Attempt[]): Attempt[] {
  const sizes = all.map((one) => JSON.stringify(one).length)
  let length = sizes.reduce((sum, size) => sum + size, 0)
  return all.map((one, i) => {
    if (length <= mostLength || one.raw === null || i === all.length - 1) return one
    length -= one.raw.length
    return { ...one, raw: null }
  })
}

/** Null for an answer that was taken. */
function reasonOf(outcome: Outcome): string | null {
  if (outcome.type === 'extracted' || outcome.type === 'responded') return null
  return outcome.type === 'invalid-output' ? outcome.errors.join('\n') : outcome.message
}

/**
 * As they are stored with the result; empty where the result says as much: a single call that succeeded, or one for each part of the text.
 * The last answer of a failure is in its result.
 */
export function packAttempts(status: 'succeeded' | 'failed', attempts: readonly Attempt[] | undefined): string {
  if (attempts === undefined || attempts.length === 0) return ''
  if (status === 'succeeded' && attempts.every(({ reason }) => reason === null)) return ''
  const last = attempts.length - 1
  return JSON.stringify(status === 'failed' ? attempts.with(last, { ...attempts[last]!, raw: null }) : attempts)
}

export function parseAttempts(stored: string): Attempt[] {
  return JSON.parse(stored) as Attempt[]
}
