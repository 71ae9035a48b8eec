import { createHash } from 'node:crypto'
import type { DeliveryStatus, WebhookEvent, WebhookEventType } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const createScript = loadScript(new URL('create.lua', import.meta.url))
const moveScript = loadScript(new URL('move.lua', import.meta.url))
const forgetScript = loadScript(new URL('forget.lua', import.meta.url))

/** Deliveries are shown for this long. */
export const keptMs = 30 * 86_400_000
/** Expired deliveries that one sweep removes, and pending ones that it looks at. */
const sweptAtOnce = 500

/** One event for one endpoint. Times are unix ms. */
export interface Delivery {
  readonly id: string
  readonly status: DeliveryStatus
  readonly eventId: string
  readonly type: WebhookEventType
  /** The batch or summary. */
  readonly subject: string
  /** When it ended. */
  readonly at: number
  readonly endpointId: string
  /** Counts the schedules of attempts; each has its own job. */
  readonly round: number
  readonly attempts: number
  /** Attempts of this round. */
  readonly tries: number
  /** The first attempt of this round; null: none was made. */
  readonly startedAt: number | null
  /** Not before this. */
  readonly nextAt: number
  readonly lastAt: number | null
  readonly lastStatus: number | null
  readonly lastError: string | null
}

/** What it was read as, for `move`. */
export interface StoredDelivery {
  readonly delivery: Delivery
  readonly stored: string
}

export interface DeliveryStore {
  /** False if it exists: then nothing changed. */
  create(delivery: Delivery): Promise<boolean>
  read(id: string): Promise<StoredDelivery | null>
  /** The only way to change a delivery. Null if it has changed since it was read; then nothing is written. */
  move(seen: StoredDelivery, changes: Partial<Omit<Delivery, 'id'>>): Promise<Delivery | null>
  /** Ids, newest first. */
  list(after: string | undefined, count: number): Promise<string[]>
  /** Those that wait until their endpoint is enabled. */
  held(endpointId: string): Promise<string[]>
  /** Some of those that have a job; all of them in turn. */
  nextPending(): Promise<string[]>
  /** Removes those whose time is over. */
  sweep(): Promise<void>
}

/** Derived from the event and the endpoint, so that an end that is announced twice makes one delivery. Ids sort by the time of the end. */
export function deliveryId(eventId: string, endpointId: string, at: number): string {
  return `whd_${at.toString(36).padStart(9, '0')}${digest(`${eventId} ${endpointId}`)}`
}

/** The body of the request: the same in each attempt. */
export function eventOf({ eventId, type, at, subject }: Delivery): WebhookEvent {
  return { object: 'event', id: eventId, type, created_at: Math.floor(at / 1_000), data: { id: subject } }
}

/** 32 hexadecimal digits. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

export function createDeliveryStore({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): DeliveryStore {
  const { all, pending, expiring, held, delivery: recordOf } = keys.webhooks
  let cursor = '0'

  const read = async (id: string): Promise<StoredDelivery | null> => {
    if (!id.startsWith('whd_')) return null
    const stored = await redis.get(recordOf(id))
    return stored === null ? null : { delivery: JSON.parse(stored) as Delivery, stored }
  }

  return {
    read,

    async create(delivery) {
      const { id } = delivery
      const args = { id, value: JSON.stringify(delivery), removeAt: Date.now() + keptMs }
      return (await createScript(redis, { record: recordOf(id), all, pending, expiring }, args)) === 1
    },

    async move({ delivery, stored }, changes) {
      const next = { ...delivery, ...changes }
      const k = { record: recordOf(delivery.id), pending, held: held(delivery.endpointId) }
      const args = { id: delivery.id, seen: stored, value: JSON.stringify(next), status: next.status }
      return (await moveScript(redis, k, args)) === 1 ? next : null
    },

    list: (after, count) => redis.zrevrangebylex(all, after === undefined ? '+' : `(${after}`, '-', 'LIMIT', 0, count),

    held: (endpointId) => redis.smembers(held(endpointId)),

    async nextPending() {
      const [next, ids] = await redis.sscan(pending, cursor, 'COUNT', sweptAtOnce)
      cursor = next
      return ids
    },

    async sweep() {
      for (const id of await redis.zrangebyscore(expiring, '-inf', Date.now(), 'LIMIT', 0, sweptAtOnce)) {
        const endpointId = (await read(id))?.delivery.endpointId ?? ''
        await forgetScript(redis, { record: recordOf(id), all, pending, expiring, held: held(endpointId) }, { id })
      }
    },
  }
}
