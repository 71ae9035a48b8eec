import type { Redis } from 'ioredis'
import { loadPositionalScript as loadScript } from '../redis/script.ts'

/** What the answers since the last exchange told of one kind of limit, the mean over the calls. Times in ms. */
export interface Seen {
  readonly limit: number
  /** The limit's period, where the answers tell it; else it is what it was before, or a minute. */
  readonly periodMs?: number
  /** What the last answer said is left. */
  readonly remaining: number
  /** What the bucket holds when full. */
  readonly cap: number
  /** What was left less what was expected; none: no expectation came with the calls. */
  readonly off?: number
  /** The epoch of these expectations. */
  readonly epoch?: number
  /** What was reserved for a call. */
  readonly cost: number
  /** Since the calls went. */
  readonly age: number
}

/** At most so many in any period of this length. */
export interface ConfiguredLimit {
  readonly kind: 'requests' | 'tokens'
  readonly most: number
  readonly periodMs: number
}

export interface ExchangeMessage {
  readonly limits: readonly ConfiguredLimit[]
  /** Where the calls in flight of the lane are limited: what this process has of them, those granted to it included. */
  readonly inFlight?: { readonly most: number; readonly by: string; readonly held: number }
  /** The processes bound their calls in flight by what they see of the provider. */
  readonly adapts: boolean
  /** Tokens of each call that waits, in order. */
  readonly costs: readonly number[]
  readonly requests?: Seen
  readonly tokens?: Seen
  /** Reserved for calls that were not made. */
  readonly backRequests: number
  readonly backTokens: number
  /** What calls used beyond what was reserved for them; negative: less. */
  readonly overTokens: number
  /** The lane's calls are refused: `after` ms to wait, -1 when the provider did not say; `age` ms since the call went. */
  readonly refused?: { readonly after: number; readonly age: number; readonly scope?: 'requests' | 'tokens' }
  /** Ms since the last call went that was answered with success. */
  readonly answered?: number
}

export interface Grant {
  /** From now, in ms; -1: it is larger than the limit. */
  readonly delayMs: number
  /** What the headers of the answer should say is left, in terms free of corrections; null: no such limit is known. */
  readonly requests: number | null
  readonly tokens: number | null
}

export interface ExchangeReply {
  /** `probing`: nothing is known of the limit, one call at a time looks; `free`: the provider tells none. */
  readonly mode: 'probing' | 'free' | 'paced'
  /** Expectations of another epoch are worth nothing: the limit changed, or a refusal came. */
  readonly epoch: number
  readonly heldMs: number
  readonly againMs: number
  /** The most tokens a call may have. */
  readonly mostTokens: number
  /** For the first of the calls that wait. */
  readonly grants: readonly Grant[]
}

const script = loadScript(new URL('exchange.lua', import.meta.url))

/** One trade with the lane's quota: out goes what came back and what waits, back come the calls that may go soon. */
export async function exchange(redis: Redis, key: string, message: ExchangeMessage): Promise<ExchangeReply> {
  return readReply((await script(redis, [key], [JSON.stringify(message)])) as string[])
}

export function readReply([mode, epoch, heldMs, againMs, mostTokens, ...flat]: readonly string[]): ExchangeReply {
  const grants: Grant[] = []
  for (let i = 0; i < flat.length; i += 3) {
    grants.push({ delayMs: Number(flat[i]), requests: numberOf(flat[i + 1]), tokens: numberOf(flat[i + 2]) })
  }
  return {
    mode: mode as ExchangeReply['mode'],
    epoch: Number(epoch),
    heldMs: Number(heldMs),
    againMs: Number(againMs),
    mostTokens: numberOf(mostTokens) ?? Number.POSITIVE_INFINITY,
    grants,
  }
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text)
}
