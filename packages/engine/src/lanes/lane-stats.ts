import type { Call } from '@sluice/contract/outcome'
import type { Redis } from 'ioredis'
import type { Activity } from '../items/make-call.ts'
import { loadScript } from '../redis/script.ts'
import { repeat } from '../repeat.ts'

const scripts = {
  write: loadScript(new URL('write-gauges.lua', import.meta.url)),
  read: loadScript(new URL('read-gauges.lua', import.meta.url)),
}

const flushMs = 1_000
/** A worker that has not written its gauges for this long is dead. */
const gaugesLiveMs = 5_000
/** Upper bounds in seconds: from a cached answer to the longest time-out. */
export const latencyBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600] as const

/** Counts a lane's calls in this process and adds them to the lane's totals once a second. A killed process loses at most a second of them. */
export interface LaneStats {
  readonly called: (call: Call, nanoUsd: number) => void
  readonly repeated: () => void
  stop(): Promise<void>
}

export interface LaneStatsDependencies {
  readonly redis: Redis
  readonly keys: { readonly stats: string; readonly gauges: string }
  readonly workerId: string
  /** Read whenever the counts are written. */
  readonly activity: Activity
  readonly onError: (error: Error) => void
}

export function createLaneStats({ redis, keys, workerId, activity, onError }: LaneStatsDependencies): LaneStats {
  let counts = new Map<string, number>()
  let hasGauges = false
  const add = (field: string, by: number) => {
    if (by !== 0) counts.set(field, (counts.get(field) ?? 0) + by)
  }

  const flush = async () => {
    const adding = counts
    counts = new Map()
    const { inFlight, waitingForQuota } = activity
    const idle = inFlight === 0 && waitingForQuota === 0
    if (adding.size === 0 && idle && !hasGauges) return
    const pipeline = redis.pipeline()
    for (const [field, by] of adding) pipeline.hincrby(keys.stats, field, Math.round(by))
    if (idle) pipeline.hdel(keys.gauges, workerId)
    hasGauges = !idle
    await pipeline.exec()
    if (!idle) await scripts.write(redis, { gauges: keys.gauges }, { workerId, inFlight, waitingForQuota })
  }
  const flushing = repeat(flush, { everyMs: flushMs, first: 'after-interval', onError })

  return {
    called({ outcome, usage, cachedInputTokens, latencyMs }, nanoUsd) {
      add(`calls ${outcome.type}`, 1)
      const bound = latencyBounds.find((seconds) => latencyMs <= seconds * 1_000)
      add(`latency ${bound ?? 'more'}`, 1)
      add('latency sum', latencyMs)
      add('input_tokens', usage.input_tokens)
      add('cached_input_tokens', cachedInputTokens)
      add('output_tokens', usage.output_tokens)
      add('nano_usd', nanoUsd)
    },
    repeated() {
      add('repeated', 1)
    },
    async stop() {
      await flushing.stop()
      await flush().catch(onError)
      await redis.hdel(keys.gauges, workerId).catch(onError)
    },
  }
}

/** What the workers of a lane do now, in sum. */
export async function readGauges(
  redis: Redis,
  { gauges }: { readonly gauges: string },
): Promise<{ inFlight: number; waitingForQuota: number }> {
  const [inFlight, waitingForQuota] = (await scripts.read(redis, { gauges }, { liveMs: gaugesLiveMs })) as [
    number,
    number,
  ]
  return { inFlight, waitingForQuota }
}
