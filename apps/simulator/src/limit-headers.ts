import { type Bucket, formatGoDuration } from './buckets.ts'

/** Which headers a provider writes; `no-limit` and `remaining` are OpenAI's names without the others. */
export const headerFamilies = ['openai', 'anthropic', 'ietf', 'no-limit', 'remaining', 'none'] as const
export type HeaderFamily = (typeof headerFamilies)[number]

export function limitHeaders(
  family: HeaderFamily,
  { requests, tokens }: { readonly requests: Bucket | null; readonly tokens: Bucket | null },
  now: number,
): Record<string, string> {
  const headers: Record<string, string> = {}
  if (requests !== null) Object.assign(headers, headersOf(family, 'requests', requests, now))
  if (tokens !== null) Object.assign(headers, headersOf(family, 'tokens', tokens, now))
  return headers
}

function headersOf(
  family: HeaderFamily,
  what: 'requests' | 'tokens',
  bucket: Bucket,
  now: number,
): Record<string, string> {
  const limit = String(Math.round(bucket.limitPerMinute))
  const remaining = String(Math.max(0, Math.floor(bucket.remaining(now))))
  const resetMs = bucket.resetMs(now)
  switch (family) {
    case 'openai':
      return {
        [`x-ratelimit-limit-${what}`]: limit,
        [`x-ratelimit-remaining-${what}`]: remaining,
        [`x-ratelimit-reset-${what}`]: formatGoDuration(resetMs),
      }
    case 'no-limit':
      return {
        [`x-ratelimit-remaining-${what}`]: remaining,
        [`x-ratelimit-reset-${what}`]: formatGoDuration(resetMs),
      }
    case 'remaining':
      return { [`x-ratelimit-remaining-${what}`]: remaining }
    case 'anthropic':
      return {
        [`anthropic-ratelimit-${what}-limit`]: limit,
        [`anthropic-ratelimit-${what}-remaining`]: remaining,
        [`anthropic-ratelimit-${what}-reset`]: new Date(Date.now() + resetMs).toISOString(),
      }
    case 'ietf':
      // The draft knows one limit: requests, where there are both.
      return what === 'tokens'
        ? {}
        : {
            'ratelimit-limit': limit,
            'ratelimit-remaining': remaining,
            'ratelimit-reset': String(Math.ceil(resetMs / 1_000)),
          }
    case 'none':
      return {}
    default:
      return family satisfies never
  }
}
