/** The rules of the simulated provider; see `POST /_simulator/limits`. */
export interface ProviderRules {
  readonly rpm?: number | null
  readonly tpm?: number | null
  readonly burst_s?: number
  readonly window_s?: number | null
  readonly charge?: 'admission' | 'answer'
  readonly factor?: number
  readonly headers?: 'openai' | 'anthropic' | 'ietf' | 'no-limit' | 'remaining' | 'none'
  readonly retry_after?: 'ms' | 'seconds' | 'none'
}

/** One kind of provider. */
export interface ProviderRow {
  readonly title: string
  readonly rules: ProviderRules
  /** The limit that holds from half-way on. */
  readonly later?: ProviderRules
}

const perMinute = 12_000
/** 200 calls a second, as the simulator counts them. */
const tokensPerMinute = (callTokens: number, factor: number) => perMinute * callTokens * factor

const requests: ProviderRules = {
  rpm: perMinute,
  tpm: null,
  burst_s: 1,
  window_s: null,
  charge: 'admission',
  factor: 1,
}
const withHeaders: ProviderRules = { headers: 'openai', retry_after: 'ms' }

/** `callTokens`: what the simulator counts for one call. */
export function providerRows(callTokens: number): readonly ProviderRow[] {
  const tokens = (factor: number, more: ProviderRules = {}): ProviderRules => ({
    ...requests,
    ...withHeaders,
    rpm: null,
    tpm: tokensPerMinute(callTokens, factor),
    factor,
    ...more,
  })
  return [
    { title: 'request bucket of 1 s', rules: { ...requests, ...withHeaders } },
    { title: 'request bucket of 10 s', rules: { ...requests, ...withHeaders, burst_s: 10 } },
    { title: 'request limit in fixed windows of 10 s', rules: { ...requests, ...withHeaders, window_s: 10 } },
    { title: 'tokens, charged as counted', rules: tokens(1) },
    { title: 'tokens, charged half of that', rules: tokens(0.5) },
    { title: 'tokens, charged five times that', rules: tokens(5) },
    { title: 'tokens, charged a tenth of that', rules: tokens(0.1) },
    { title: 'tokens charged when the answer is complete', rules: tokens(1, { charge: 'answer' }) },
    {
      title: 'token limit falls from 1e8 a minute',
      rules: tokens(1, { tpm: 1e8 }),
      later: tokens(1, { tpm: tokensPerMinute(callTokens, 0.25) }),
    },
    {
      title: 'request limit rises a hundredfold',
      rules: { ...requests, ...withHeaders, rpm: 120 },
      later: { ...requests, ...withHeaders },
    },
    { title: "Anthropic's header names", rules: { ...requests, ...withHeaders, headers: 'anthropic' } },
    { title: "the IETF draft's header names", rules: { ...requests, ...withHeaders, headers: 'ietf' } },
    { title: 'remaining and reset without limit', rules: { ...requests, ...withHeaders, headers: 'no-limit' } },
    { title: 'remaining alone', rules: { ...requests, ...withHeaders, headers: 'remaining' } },
    { title: 'no headers, Retry-After alone', rules: { ...requests, headers: 'none', retry_after: 'seconds' } },
    { title: 'neither headers nor Retry-After', rules: { ...requests, headers: 'none', retry_after: 'none' } },
  ]
}

/** What such limits admit in so many seconds, in calls; nothing was used before. */
export function capacityOf(
  { rpm, tpm, burst_s, window_s, factor }: ProviderRules,
  seconds: number,
  callTokens: number,
): number {
  const perSecond = (rpm ?? (tpm ?? 0) / (callTokens * (factor ?? 1))) / 60
  if (window_s) return perSecond * window_s * Math.ceil(seconds / window_s)
  return perSecond * ((burst_s ?? 60) + seconds)
}
