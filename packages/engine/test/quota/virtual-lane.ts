import type { Call, Outcome } from '@sluice/contract/outcome'
import type { ConfiguredLimit } from '@sluice/engine/quota/configured-limits'
import { createQuota } from '@sluice/engine/quota/create-quota'
import { exchange, type ExchangeReply } from '@sluice/engine/quota/exchange'
import type { Redis } from 'ioredis'
import type { LaneProvider } from './lane-provider.ts'
import { createRandom } from './random.ts'
import { createVirtualTime, type VirtualTime } from './virtual-time.ts'

export interface LaneOptions {
  readonly redis: Redis
  readonly key: string
  readonly provider: LaneProvider
  readonly workers?: number
  /** Calls in flight, by all workers. */
  readonly concurrency?: number
  readonly limits?: readonly ConfiguredLimit[]
  readonly latencyMs?: number
  /** Sigma of the log-normal distribution. */
  readonly spread?: number
  readonly networkMs?: number
  /** Tokens of the next call. */
  readonly tokens?: () => number
  readonly seed?: number
  readonly startMs?: number
}

/** The clock's time when a lane begins, unless said otherwise. */
export const laneStartMs = 1_790_000_003_000

/** Workers of one lane with the real quota on a real Redis, and a provider, in virtual time. */
export interface VirtualLane extends AsyncDisposable {
  readonly time: VirtualTime
  readonly stats: LaneRun
  /** Keeps the lane busy until `ms`, or until so many calls are answered. */
  run(ms: number, options?: { readonly items?: number }): Promise<LaneRun>
}

interface LaneRun {
  made: number
  refused: number
  answered: number
  /** Ms: the longest in which no call was in flight and none was begun, while calls waited. */
  longestStillMs: number
  exchanges: number
  readonly refusedAtMs: number[]
  /** Instants at which calls began. */
  readonly begunAtMs: number[]
  readonly begunTokens: number[]
  lastReply: ExchangeReply | null
}

export function createVirtualLane({
  redis,
  key,
  provider,
  workers = 2,
  concurrency = 200,
  limits = [],
  latencyMs = 300,
  spread = 0.25,
  networkMs = 2,
  tokens = () => 63,
  seed = 1,
  startMs = laneStartMs,
}: LaneOptions): VirtualLane {
  const random = createRandom(seed)
  const time = createVirtualTime(random, startMs)
  const stats: LaneRun = {
    made: 0,
    refused: 0,
    answered: 0,
    longestStillMs: 0,
    exchanges: 0,
    refusedAtMs: [],
    begunAtMs: [],
    begunTokens: [],
    lastReply: null,
  }
  const stop = new AbortController()
  let inFlight = 0
  let stillSinceMs = startMs
  let items = Number.POSITIVE_INFINITY
  const quotas = Array.from({ length: workers }, () =>
    createQuota({
      redis,
      key,
      limits,
      longestWaitMs: 600_000,
      onError(error) {
        throw error
      },
      clock: time.clock,
      async send(model, message) {
        stats.exchanges += 1
        await time.sleep(0.3 + random())
        const reply = await time.during(exchange(redis, key, model, message, { clock: time.clock.now() }))
        stats.lastReply = reply
        await time.sleep(0.3 + random())
        return reply
      },
    }),
  )
  let started = false

  return {
    time,
    stats,
    async run(ms, options = {}) {
      items = options.items ?? Number.POSITIVE_INFINITY
      if (!started) {
        started = true
        for (let i = 0; i < concurrency; i += 1) void loop(quotas[i % workers]!).catch(() => {})
      }
      await time.runUntil(startMs + ms, () => stats.answered >= items)
      return stats
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const quota of quotas) await quota[Symbol.asyncDispose]()
      await redis.del(key)
    },
  }

  async function loop(quota: (typeof quotas)[number]): Promise<void> {
    while (!stop.signal.aborted && stats.made - stats.refused < items) {
      const amount = tokens()
      const reservation = await quota.reserve({ model: 'model', tokens: amount }, { signal: stop.signal })
      begin(amount)
      quota.settle(reservation, await call(amount))
      inFlight -= 1
      stillSinceMs = time.clock.now()
    }
  }

  function begin(amount: number): void {
    const nowMs = time.clock.now()
    if (inFlight === 0) stats.longestStillMs = Math.max(stats.longestStillMs, nowMs - stillSinceMs)
    inFlight += 1
    stats.made += 1
    stats.begunAtMs.push(nowMs)
    stats.begunTokens.push(amount)
  }

  async function call(amount: number): Promise<Call> {
    const beganAtMs = time.clock.now()
    await time.sleep(networkMs * (0.5 - Math.log(1 - random())))
    const refused = provider.arrive(amount, time.clock.now())
    if (refused !== null) {
      stats.refused += 1
      stats.refusedAtMs.push(time.clock.now() - startMs)
      await time.sleep(networkMs)
      const { limits: reported, retryAfterMs, scope } = refused
      return made(
        { type: 'rate-limited', message: '', retryAfterMs, scope },
        amount,
        reported,
        time.clock.now() - beganAtMs,
      )
    }
    const stamped = provider.headers(time.clock.now())
    await time.sleep(latencyMs * Math.exp(spread * normal(random)))
    provider.finish(amount, time.clock.now())
    const reported = provider.writtenAt === 'answer' ? provider.headers(time.clock.now()) : stamped
    stats.answered += 1
    return made({ type: 'extracted', data: {} }, amount, reported, time.clock.now() - beganAtMs)
  }
}

function made(outcome: Outcome, tokens: number, limits: Call['limits'], latencyMs: number): Call {
  const answered = outcome.type === 'extracted'
  return {
    outcome,
    usage: { input_tokens: answered ? tokens : 0, output_tokens: 0 },
    cachedInputTokens: 0,
    raw: null,
    limits,
    latencyMs,
  }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
