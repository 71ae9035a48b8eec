import type { LimitSample, ReportedLimit } from '@sluice/contract/outcome'
import type { ResponseHeaders } from '../../http-pool.ts'
import { epochMs, msFromSeconds, notNegative, providerClock } from '../../retry-after.ts'
import { parseFields } from './structured-fields.ts'

// What providers write, and where that is said:
// - OpenAI: x-ratelimit-{limit,remaining,reset}-{requests,tokens}, reset as a Go duration until the limit is whole again
//   (platform.openai.com/docs/guides/rate-limits); also -tokens_usage_based and -project-tokens (community.openai.com/t/1268905).
// - Groq: the same names, requests are those of a day (console.groq.com/docs/rate-limits).
// - Azure: remaining-* alone (github.com/Azure/azure-rest-api-specs/issues/26884), limits with -1 (openai/openai-dotnet#838), and
//   x-ratelimit-renewalperiod-*, the period in seconds, which GitHub Models writes, too.
// - Mistral: x-ratelimit-{limit,remaining}-{req,tokens}-minute, -month (mistralai/client-ts#169).
// - Cerebras: x-ratelimit-*-requests-day, *-tokens-minute (inference-docs.cerebras.ai/support/rate-limits).
// - DigitalOcean: *-tokens-per-day, *-tokens-per-minute, reset in unix seconds (docs.digitalocean.com/products/inference/reference).
// - Nous: a second set with -1h (NousResearch/hermes-agent#6541). Fireworks: limit-tokens-{prompt,generated} (docs.fireworks.ai).
// - Together: x-ratelimit-{limit,remaining,reset} and x-tokenlimit-{limit,remaining}, of a second, also with -dynamic (docs.together.ai).
// - Anthropic: anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}, reset as an RFC 3339 instant
//   (docs.anthropic.com/en/api/rate-limits).
// - IETF: ratelimit-{limit,remaining,reset} in seconds (draft-ietf-httpapi-ratelimit-headers-06), RateLimit and RateLimit-Policy (-08).

type Part = 'limit' | 'remaining' | 'reset' | 'period'

const minuteMs = 60_000
const periodMs: Readonly<Record<string, number>> = {
  second: 1_000,
  '1s': 1_000,
  minute: minuteMs,
  '1m': minuteMs,
  hour: 3_600_000,
  '1h': 3_600_000,
  day: 86_400_000,
  '1d': 86_400_000,
  month: 30 * 86_400_000,
}
/** Bounds what a provider makes us remember. */
const mostLimits = 8

/** All limits that the headers of an answer tell. Null when none of them is of use: some providers send -1 or 0, or words. */
export function readLimits(headers: ResponseHeaders, nowMs: number = Date.now()): LimitSample | null {
  const clockMs = providerClock(headers, nowMs)
  const found = new Map<string, Map<Part, string>>()
  for (const [header, value] of headers) {
    const { name, part } = nameOf(header) ?? {}
    if (name === undefined || part === undefined) continue
    const parts = found.get(name) ?? new Map<Part, string>()
    found.set(name, parts.set(part, value))
  }
  const limits = [...found].flatMap(([name, parts]) => reportedLimit(name, parts, clockMs))
  const all = [...limits, ...policyLimits(headers)].slice(0, mostLimits)
  return all.length === 0 ? null : all
}

/** `x-ratelimit-remaining-tokens-minute` is the part `remaining` of the limit `tokens-minute`. */
function nameOf(header: string): { readonly name: string; readonly part: Part } | null {
  const anthropic = /^anthropic-ratelimit-([a-z-]+)-(limit|remaining|reset)$/.exec(header)
  if (anthropic !== null) return { name: anthropic[1]!, part: anthropic[2] as Part }
  const together = /^x-tokenlimit-(limit|remaining|reset)(-dynamic)?$/.exec(header)
  if (together !== null) return { name: `tokens${together[2] ?? ''}`, part: together[1] as Part }
  const plain = /^(?:x-)?rate-?limit-(limit|remaining|reset)(-dynamic)?$/.exec(header)
  if (plain !== null) return { name: `requests${plain[2] ?? ''}`, part: plain[1] as Part }
  const named = /^(?:x-)?rate-?limit-(limit|remaining|reset|renewalperiod)-([a-z0-9_-]+)$/.exec(header)
  if (named === null) return null
  const part = named[1] === 'renewalperiod' ? 'period' : (named[1] as Part)
  return { name: named[2]!, part }
}

function reportedLimit(name: string, parts: ReadonlyMap<Part, string>, clockMs: number): ReportedLimit[] {
  const unit = unitOf(name)
  if (unit === null) return []
  const limit = positive(parts.get('limit'))
  const remaining = notNegative(parts.get('remaining'))
  const unlimited = parts.has('limit') && limit === null
  // A limit of 0 or -1 says that there is none; what remains of it says nothing, too.
  if ((limit === null && remaining === null) || unlimited) return []
  const reset = parts.get('reset') ?? null
  return [
    {
      name,
      unit,
      limit,
      remaining,
      resetMs: parseReset(reset, clockMs),
      resetStepMs: stepOf(reset),
      periodMs: periodOf(name, parts.get('period')),
    },
  ]
}

function unitOf(name: string): ReportedLimit['unit'] | null {
  if (/(^|[-_])tokens?([-_]|$)/.test(name)) return 'tokens'
  return /(^|[-_])(req|requests?)([-_]|$)/.test(name) ? 'requests' : null
}

function periodOf(name: string, seconds: string | undefined): number | null {
  const reported = positive(seconds)
  if (reported !== null) return reported * 1_000
  const word = name.split(/[-_]/).at(-1) ?? ''
  return periodMs[word] ?? null
}

/** Seconds, and instants without a fraction, are rounded by up to a second. */
function stepOf(reset: string | null): number {
  const text = reset?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) >= epochMs ? 1 : 1_000
  if (/^\d{4}-\d{2}-\d{2}T[\d:]+(Z|[+-]\d{2}:?\d{2})?$/.test(text)) return 1_000
  return /^(\d+[hms])+$/.test(text) && !text.endsWith('ms') ? 1_000 : 1
}

/** `RateLimit: "default";r=50;t=30` with `RateLimit-Policy: "default";q=100;w=60`, and the older `ratelimit-policy: 100;w=60`. */
function policyLimits(headers: ResponseHeaders): ReportedLimit[] {
  const policies = parseFields(headers.get('ratelimit-policy'))
  return parseFields(headers.get('ratelimit')).flatMap(({ name, parameters }) => {
    const policy = policies.find((one) => one.name === name)?.parameters
    const unit = /token/i.test(`${name} ${policy?.get('qu') ?? ''}`) ? 'tokens' : 'requests'
    const remaining = notNegative(parameters.get('r') ?? parameters.get('remaining'))
    const limit = positive(policy?.get('q') ?? parameters.get('limit'))
    const reset = notNegative(parameters.get('t') ?? parameters.get('reset'))
    const windowS = positive(policy?.get('w'))
    if (remaining === null && limit === null) return []
    return [
      {
        name: `policy ${name}`,
        unit,
        limit,
        remaining,
        resetMs: reset === null ? null : reset * 1_000,
        resetStepMs: 1_000,
        periodMs: windowS === null ? null : windowS * 1_000,
      },
    ]
  })
}

function positive(text: string | undefined): number | null {
  const number = notNegative(text)
  return number === 0 ? null : number
}

const unitMs: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
}

/** A Go duration (`12ms`, `1s`, `6m0s`), seconds, or an instant (RFC 3339, HTTP date, unix seconds or milliseconds); in ms from now. */
export function parseReset(text: string | null, nowMs: number): number | null {
  const trimmed = text?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(trimmed)) return msFromSeconds(Number(trimmed), nowMs)
  if (/^(\d+(\.\d+)?(d|h|ms|m|s|us|µs|ns))+$/.test(trimmed)) {
    return [...trimmed.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s|us|µs|ns)/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ''] ?? 0),
      0,
    )
  }
  if (!/^\d{4}-\d{2}-\d{2}T|^[A-Z][a-z]{2}, \d/.test(trimmed)) return null
  const instant = Date.parse(trimmed)
  return Number.isNaN(instant) ? null : Math.max(0, instant - nowMs)
}
