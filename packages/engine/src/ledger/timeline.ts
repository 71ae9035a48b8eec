import type { Redis } from 'ioredis'
import type { BatchKeys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const scripts = {
  note: loadScript(new URL('note-event.lua', import.meta.url)),
  sample: loadScript(new URL('sample.lua', import.meta.url)),
}

/** What happened to a batch. The ledger's scripts note the first four themselves. */
export type EventType =
  | 'paused'
  | 'resumed'
  | 'cancelling'
  | 'worker_lost'
  | 'retried'
  | 'changed'
  | 'held'
  | 'hold_ended'
  | 'completed'
  | 'cancelled'

interface StoredEvent {
  /** Unix ms. */
  readonly at: number
  readonly type: EventType
  readonly message: string
}

interface StoredSample {
  /** Unix ms. */
  readonly at: number
  readonly succeeded: number
  readonly failed: number
  readonly nanoUsd: number
  readonly limitPerS: number | null
}

const firstEveryMs = 1_000
/** About 8 KB of Redis: for the first five minutes one a second. */
const mostSamples = 300
const mostMessage = 500

/** Notes an event. It is for people to read: that Redis refuses it must not undo, or repeat, what happened. */
export async function noteEvent(
  redis: Redis,
  { meta, timeline }: BatchKeys,
  type: EventType,
  message: string,
): Promise<void> {
  const args = { kind: type, message: message.slice(0, mostMessage) }
  await scripts.note(redis, { meta, timeline }, args).catch(() => {})
}

/** Notes how far a batch is, if that is due; resolves to the ms until it is due again. `limitPerS`: items per second that its lane allows. */
export async function noteSample(
  redis: Redis,
  { meta, samples }: BatchKeys,
  limitPerS: number | null,
): Promise<number> {
  const limit = limitPerS === null ? '' : limitPerS.toPrecision(4)
  const args = { now: Date.now(), firstEveryMs, most: mostSamples, limitPerS: limit }
  return (await scripts.sample(redis, { meta, samples }, args)) as number
}

/** The oldest first. */
export async function readTimeline(
  redis: Redis,
  keys: BatchKeys,
): Promise<{ readonly events: StoredEvent[]; readonly samples: StoredSample[] }> {
  const [events, samples] = await Promise.all([redis.lrange(keys.timeline, 0, -1), redis.lrange(keys.samples, 0, -1)])
  return { events: events.map(parseEvent), samples: samples.map(parseSample) }
}

function parseEvent(stored: string): StoredEvent {
  const [at = '', type = ''] = stored.split('|', 2)
  return { at: Number(at), type: type as EventType, message: stored.slice(at.length + type.length + 2) }
}

function parseSample(stored: string): StoredSample {
  const [at, succeeded, failed, nanoUsd, limit] = stored.split('|')
  return {
    at: Number(at),
    succeeded: Number(succeeded),
    failed: Number(failed),
    nanoUsd: Number(nanoUsd),
    limitPerS: limit ? Number(limit) : null,
  }
}
