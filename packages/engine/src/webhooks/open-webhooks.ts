import type { WebhookConfig } from '@sluice/contract/webhook'
import type { ConnectionOptions, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { OnBatchEnded } from '../batches/batch-ended.ts'
import type { OnFileBatchEnded } from '../file-batches/run-file-batch.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import type { OnSummaryEnded } from '../summaries/run-summary.ts'
import { createAddressPolicy } from './address-policy.ts'
import { type Announce, createAnnounce, createEnqueueDelivery } from './announce.ts'
import { createDeliver, defaultSchedule, type Schedule } from './deliver.ts'
import { createDeliveryStore } from './delivery-store.ts'
import { createEndpointSlots } from './endpoint-slots.ts'
import { createEndpoints } from './endpoints.ts'
import { createPostEvent } from './post-event.ts'
import { createReleaseHeld } from './release-held.ts'
import { createWebhookWorker } from './webhook-worker.ts'

export const noWebhooks: WebhookConfig = { endpoints: [], secrets: [], allow: [] }

export interface WebhookRoomsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** The queue `webhooks`. */
  readonly queue: Queue
  readonly settings: WebhookConfig
}

/** What the API and the workers share of webhooks. */
export function openWebhookRooms({ redis, keys, queue, settings }: WebhookRoomsDependencies) {
  const store = createDeliveryStore({ redis, keys })
  const endpoints = createEndpoints({ redis, keys, settings })
  const enqueueDelivery = createEnqueueDelivery({ queue })
  return { store, endpoints, enqueueDelivery, releaseHeld: createReleaseHeld({ store, enqueueDelivery }) }
}

export interface WebhookWorkerParts extends WebhookRoomsDependencies {
  readonly connection: ConnectionOptions
  readonly gate: RedisGate
  /** Undefined: over 72 hours. */
  readonly schedule: Schedule | undefined
  readonly onError: (error: Error) => void
}

/** The deliveries of a worker process, and what makes them: the ends of batches and summaries. */
export function openWebhookWorker(parts: WebhookWorkerParts) {
  const { redis, keys, settings, schedule = defaultSchedule } = parts
  const rooms = openWebhookRooms(parts)
  const { store, endpoints, enqueueDelivery } = rooms
  const announce = createAnnounce(rooms)
  const postEvent = createPostEvent({ policy: createAddressPolicy(settings.allow) })
  const deliver = createDeliver({ ...rooms, slots: createEndpointSlots(), postEvent, schedule })
  const worker = createWebhookWorker({ ...parts, deliver })

  return {
    ...createConsumers({ redis, keys, announce }),
    /** Adds lost jobs again, and removes what is old. */
    sweep: async () => {
      for (const id of await store.nextPending()) {
        const found = await store.read(id)
        if (found !== null) await enqueueDelivery(found.delivery)
      }
      await store.sweep()
      await endpoints.sweep()
    },
    close: () => worker.close(),
  }
}

function createConsumers({
  redis,
  keys,
  announce,
}: Pick<WebhookRoomsDependencies, 'redis' | 'keys'> & { readonly announce: Announce }): {
  readonly onBatchEnded: OnBatchEnded
  readonly onFileBatchEnded: OnFileBatchEnded
  readonly onSummaryEnded: OnSummaryEnded
} {
  return {
    async onBatchEnded({ id, status, round, finishedAt: at, summaryId }) {
      if (summaryId !== null || (status !== 'completed' && status !== 'cancelled')) return
      const meta = await readBatchMeta(redis, keys.batch(id), 'webhook', 'from_file', 'direct')
      // The end of a batch over a file comes later, with its files; a direct one has a request that waits for it.
      if (meta === null || meta.from_file || meta.direct) return
      await announce({ type: `batch.${status}`, id, round, at, url: meta.webhook?.url ?? null })
    },

    async onFileBatchEnded({ id, status, completedAt, failedAt, expiredAt, cancelledAt, createdAt }) {
      const at = completedAt ?? failedAt ?? expiredAt ?? cancelledAt ?? createdAt
      switch (status) {
        case 'completed':
        case 'failed':
        case 'expired':
        case 'cancelled':
          return announce({ type: `batch.${status}`, id, round: 1, at, url: null })
        case 'validating':
        case 'in_progress':
        case 'finalizing':
        case 'cancelling':
          return
        default:
          status satisfies never
      }
    },

    async onSummaryEnded(id, { status, round, finishedAt, createdAt, webhook }) {
      switch (status) {
        case 'completed':
        case 'failed':
        case 'cancelled': {
          const at = finishedAt ?? createdAt
          return announce({ type: `summary.${status}`, id, round, at, url: webhook?.url ?? null })
        }
        case 'staging':
        case 'in_progress':
          return
        default:
          status satisfies never
      }
    },
  }
}
