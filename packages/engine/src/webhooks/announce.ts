import type { WebhookEventType } from '@sluice/contract/webhook'
import type { Queue } from 'bullmq'
import { supervisorJobOptions, type WebhookJob, webhookJobId, webhookJobName } from '../queues/jobs.ts'
import { type Delivery, deliveryId, type DeliveryStore, digest } from './delivery-store.ts'
import type { Endpoints } from './endpoints.ts'

/** The end of a batch or summary. */
interface Ending {
  readonly type: WebhookEventType
  /** The batch or summary. */
  readonly id: string
  /** Counts its ends: a retried one ends again. */
  readonly round: number
  /** Unix ms. */
  readonly at: number
  /** The `webhook` of the batch or summary; null: it has none. */
  readonly url: string | null
}

/** Stores a delivery for each endpoint and adds their jobs. Safe to repeat: the ids are derived from the ending. */
export type Announce = (ending: Ending) => Promise<void>

/** Adds the job of a pending delivery. Safe to repeat. */
export type EnqueueDelivery = (delivery: Delivery) => Promise<void>

export function createEnqueueDelivery({ queue }: { readonly queue: Queue }): EnqueueDelivery {
  return async ({ id, round, type, subject }) => {
    const data: WebhookJob = { delivery_id: id, round }
    const jobId = webhookJobId(id, round)
    await queue.add(webhookJobName(type, subject), data, { ...supervisorJobOptions, jobId })
  }
}

export interface AnnounceDependencies {
  readonly store: DeliveryStore
  readonly endpoints: Endpoints
  readonly enqueueDelivery: EnqueueDelivery
}

export function createAnnounce({ store, endpoints, enqueueDelivery }: AnnounceDependencies): Announce {
  return async ({ type, id, round, at, url }) => {
    const eventId = `evt_${digest(`${id} ${type} ${round}`)}`
    for (const endpointId of await endpoints.subscribed(type, url)) {
      const delivery: Delivery = {
        id: deliveryId(eventId, endpointId, at),
        status: 'pending',
        eventId,
        type,
        subject: id,
        at,
        endpointId,
        round: 1,
        attempts: 0,
        tries: 0,
        startedAt: null,
        nextAt: at,
        lastAt: null,
        lastStatus: null,
        lastError: null,
      }
      // A process that dies in between leaves a delivery without a job, which the sweeper adds.
      if (await store.create(delivery)) await enqueueDelivery(delivery)
    }
  }
}
