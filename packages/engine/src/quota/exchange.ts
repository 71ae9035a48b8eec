import type { Redis } from 'ioredis'
import { loadScript } from '../redis/script.ts'
import type { ConfiguredLimit } from './configured-limits.ts'

export interface Amounts {
  readonly requests: number
  readonly tokens: number
}

/** What answers since the last exchange said of one limit: means, and what the newest said. Times in ms. */
export interface SeenLimit {
  readonly name: string
  readonly unit: 'requests' | 'tokens'
  /** Answers. */
  readonly count: number
  readonly limit?: number
  readonly remaining?: number
  /** What remained in the newest, in the one with the least, and in the one with the most. */
  readonly last?: number
  readonly least?: number
  readonly greatest?: number
  /** Of the newest. */
  readonly reset?: number
  /** `reset` is a multiple of this, because the provider rounds. */
  readonly resetStep: number
  readonly period?: number
  /** In so many ms the limit is whole again, by these answers: counted from when their calls went, and from when they came. */
  readonly ends?: {
    readonly earliestGone: number
    readonly latestGone: number
    readonly earliestBack: number
    readonly latestBack: number
  }
  /** Of the lane's copy of the limit, when it granted the calls: each new window is one. */
  readonly generation: number
  /** Since the calls went, and since their answers came. */
  readonly age: number
  readonly back: number
  /** How much the lane had granted when it granted the calls; none: they went without a grant. */
  readonly mark?: number
  /** How much of it had been answered by then. */
  readonly settled?: number
  /** What the lane's copy of the bucket had lost by then, because it was full. */
  readonly lost?: number
  /** What was reserved for a call, and what its answer says that it used; 0: it does not say. */
  readonly cost: number
  readonly used: number
  /** The answers were refusals: the calls were not charged. */
  readonly refused?: boolean
}

export interface ExchangeMessage {
  /** The process. */
  readonly by: string
  readonly limits: readonly ConfiguredLimit[]
  readonly maxInFlight?: number
  /** The longest that a provider may make the lane wait, except for a day's limit. */
  readonly longestWaitMs: number
  /** What this process has in flight of the model, calls that were granted included. */
  readonly held: Amounts
  /** Its calls in flight of all models. */
  readonly laneHeld: number
  /** Tokens of each call that waits, in order. */
  readonly costs: readonly number[]
  readonly reported: readonly SeenLimit[]
  /** Went without a grant. */
  readonly went: Amounts
  /** Granted for calls that were not made. */
  readonly back: Amounts
  /** Granted for calls that the provider refused: it did not charge them. */
  readonly uncharged: Amounts
  /** Tokens that calls used beyond what was reserved for them; negative: less. */
  readonly over: number
  /** `after`: ms that the provider asked to wait, -1 when it did not say. `age`: since the refused call went. */
  readonly refused?: {
    readonly after: number
    readonly age: number
    readonly scope?: 'requests' | 'tokens'
    /** Not refused, but failures in a row: the provider cannot cope. */
    readonly overloaded: boolean
  }
  /** Calls that were answered with success, and the ms since the last of them went. */
  readonly answered: number
  readonly answeredAge: number
}

/**
 * How calls of the model may go. `starting`: a few until the first answers. `free`: no limit is known. `counted`: no limit but those that
 * the lane's configuration counts. `learned`: at a pace that refusals taught. `paced`: by limits that are reported or configured.
 */
export type QuotaMode = 'starting' | 'free' | 'counted' | 'learned' | 'paced'

export interface ExchangeReply {
  readonly mode: QuotaMode
  /** Another one: a refusal came. What was granted before it must ask again. */
  readonly epoch: number
  readonly heldMs: number
  readonly againMs: number
  readonly mostTokens: number
  /** Granted before these grants, since the lane's first call. */
  readonly granted: Amounts
  /** What of that has been answered. */
  readonly settled: Amounts
  /** By name and size: what a bucket that was full could not take, and the generation. */
  readonly limits: Readonly<Record<string, { readonly lost: number; readonly generation: number }>>
  /** For the first of the calls that wait: ms until each may go; -1: it is larger than a limit. */
  readonly delaysMs: readonly number[]
}

const script = loadScript(new URL('exchange.lua', import.meta.url))

/** Reports what came back and asks for the calls that wait, in one atomic step. `clock`: unix ms in place of the Redis server's own. */
export async function exchange(
  redis: Redis,
  key: string,
  model: string,
  message: ExchangeMessage,
  { clock = '' }: { clock?: number | '' } = {},
): Promise<ExchangeReply> {
  const reply = (await script(redis, { quota: key }, { model, text: JSON.stringify(message), clock })) as string[]
  const [
    mode,
    epoch,
    heldMs,
    againMs,
    mostTokens,
    requests,
    tokens,
    settledRequests,
    settledTokens,
    limits,
    ...delays
  ] = reply
  return {
    mode: mode as QuotaMode,
    epoch: Number(epoch),
    heldMs: Number(heldMs),
    againMs: Number(againMs),
    mostTokens: mostTokens === '' ? Number.POSITIVE_INFINITY : Number(mostTokens),
    granted: { requests: Number(requests), tokens: Number(tokens) },
    settled: { requests: Number(settledRequests), tokens: Number(settledTokens) },
    limits: limits ? (JSON.parse(limits) as ExchangeReply['limits']) : {},
    delaysMs: delays.map(Number),
  }
}
