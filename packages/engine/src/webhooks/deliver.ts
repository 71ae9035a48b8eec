import { type DeliveryStore, eventOf, type StoredDelivery } from './delivery-store.ts'
import type { Endpoint, Endpoints } from './endpoints.ts'
import type { EndpointSlots } from './endpoint-slots.ts'
import type { Posted, PostEvent } from './post-event.ts'
import type { ReleaseHeld } from './release-held.ts'

/** When attempts are made. */
export interface Schedule {
  /** The waits after the first attempts; the last one repeats. */
  readonly delaysMs: readonly number[]
  /** The last attempt is made so long after the first one. */
  readonly giveUpMs: number
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

export const defaultSchedule: Schedule = {
  delaysMs: [
    5 * second,
    30 * second,
    2 * minute,
    10 * minute,
    30 * minute,
    hour,
    2 * hour,
    4 * hour,
    8 * hour,
    12 * hour,
  ],
  giveUpMs: 72 * hour,
}
/** So that the attempts of one outage do not all come at once. */
const jitter = 0.1

/** `later`: nothing to do before `at`. */
type Delivered = { readonly type: 'done' } | { readonly type: 'later'; readonly at: number }

/** Makes the next attempt of a delivery if it is due. Safe to run twice, late, or at once in two processes. Rejects when `signal` aborts. */
export type Deliver = (
  job: { readonly id: string; readonly round: number },
  options: { readonly signal: AbortSignal },
) => Promise<Delivered>

export interface DeliverDependencies {
  readonly store: DeliveryStore
  readonly endpoints: Endpoints
  readonly slots: EndpointSlots
  readonly postEvent: PostEvent
  readonly releaseHeld: ReleaseHeld
  readonly schedule: Schedule
}

const lookAgainMs = 1_000
const done: Delivered = { type: 'done' }

export function createDeliver(dependencies: DeliverDependencies): Deliver {
  const { store, endpoints, slots, postEvent, releaseHeld, schedule } = dependencies

  return async ({ id, round }, { signal }) => {
    const found = await store.read(id)
    if (found === null || found.delivery.status !== 'pending') return done
    // The job of an earlier round: the delivery was retried meanwhile, and has another job.
    if (found.delivery.round !== round) return done
    const { nextAt, endpointId } = found.delivery
    if (Date.now() < nextAt) return { type: 'later', at: nextAt }
    const endpoint = await endpoints.find(endpointId)
    if (endpoint === null) {
      return settle(found, { status: 'failed', lastError: 'The endpoint is not in the configuration any more.' })
    }
    if (endpoint.disabledAt !== null) return hold(found)

    const slot = slots.take(endpointId)
    if (slot.type === 'busy') return { type: 'later', at: slot.freeAt }
    const startedAt = performance.now()
    try {
      return await attempt(found, endpoint, signal)
    } finally {
      slot.release(performance.now() - startedAt)
    }
  }

  async function hold(found: StoredDelivery): Promise<Delivered> {
    const settled = await settle(found, { status: 'held' })
    // It may have been enabled since it was read, and its held deliveries released.
    const now = await endpoints.find(found.delivery.endpointId)
    if (now?.disabledAt === null) await releaseHeld(now.id)
    return settled
  }

  /** If another process has changed the delivery meanwhile, its job looks at it again. */
  async function settle(found: StoredDelivery, changes: Parameters<DeliveryStore['move']>[1]): Promise<Delivered> {
    const moved = await store.move(found, changes)
    if (moved === null) return { type: 'later', at: Date.now() + lookAgainMs }
    return moved.status === 'pending' ? { type: 'later', at: moved.nextAt } : done
  }

  async function attempt(found: StoredDelivery, endpoint: Endpoint, signal: AbortSignal): Promise<Delivered> {
    const { delivery } = found
    const { secrets, url } = endpoint
    const posted: Posted =
      secrets.length === 0
        ? { type: 'unreachable', message: 'There is no secret to sign with: set SLUICE_WEBHOOK_SECRETS.' }
        : await postEvent({ url, id: delivery.eventId, body: JSON.stringify(eventOf(delivery)), secrets }, { signal })
    const now = Date.now()
    const made = {
      attempts: delivery.attempts + 1,
      tries: delivery.tries + 1,
      startedAt: delivery.startedAt ?? now,
      lastAt: now,
      lastStatus: posted.type === 'answered' ? posted.status : null,
    }
    const error = errorOf(posted)
    if (error === null) {
      await endpoints.succeeded(endpoint.id)
      return settle(found, { ...made, status: 'delivered', lastError: null })
    }
    await endpoints.failed(endpoint.id, error)
    const isGone = made.lastStatus === 410
    const lastChanceAt = made.startedAt + schedule.giveUpMs
    if (isGone || now >= lastChanceAt) {
      // Disabled first: if this process dies in between, the delivery is held, and not attempted for ever.
      if (isGone) await endpoints.disable(endpoint.id, 'It answered 410 Gone: it wants no more events.')
      else await disableIfSilent(endpoint.id, made.startedAt, error)
      return settle(found, { ...made, status: 'failed', lastError: error })
    }
    const nextAt = Math.min(now + delayAfter(made.tries), lastChanceAt)
    return settle(found, { ...made, lastError: error, nextAt })
  }

  /** An endpoint to which another event went through since `sinceMs` only rejects this one. */
  async function disableIfSilent(id: string, sinceMs: number, error: string): Promise<void> {
    const lastSuccessAt = (await endpoints.find(id))?.lastSuccessAt ?? 0
    if (lastSuccessAt >= sinceMs) return
    const hours = Math.round(schedule.giveUpMs / hour)
    await endpoints.disable(id, `No event was delivered for ${hours} hours. The last attempt: ${error}`)
  }

  function delayAfter(tries: number): number {
    const { delaysMs } = schedule
    const delay = delaysMs[Math.min(tries, delaysMs.length) - 1] ?? hour
    return Math.round(delay * (1 - jitter + 2 * jitter * Math.random()))
  }
}

/** Null: it is delivered. */
function errorOf(posted: Posted): string | null {
  switch (posted.type) {
    case 'unreachable':
      return posted.message
    case 'answered': {
      const { status } = posted
      if (status >= 200 && status < 300) return null
      return status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed.` : `HTTP ${status}`
    }
    default:
      return posted satisfies never
  }
}
