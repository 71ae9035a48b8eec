import type { LaneConfig } from '@sluice/contract/lane'
import type { WebhookConfig } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import { createAdmission } from './batches/admission.ts'
import { createBatches } from './batches/batches.ts'
import { connectFailingFast, connectWaiting } from './redis/connect.ts'
import { readDurability } from './redis/durability.ts'
import type { Engine } from './engine.ts'
import { createBatchFinder } from './batches/find-batch.ts'
import { createExtractions } from './batches/extractions.ts'
import { createFileBatches } from './file-batches/file-batches.ts'
import { openFileRooms } from './file-batches/open-file-batches.ts'
import { createExtractors } from './extractors/extractors.ts'
import { createIdempotency } from './batches/idempotency.ts'
import { createItemSource } from './batches/item-reader.ts'
import { createKeys } from './redis/keys.ts'
import { createMoney } from './items/prices.ts'
import { createLanePulses } from './lanes/lane-pulse.ts'
import { readLanes } from './lanes/lane-view.ts'
import { createLaneWork } from './lanes/lane-work.ts'
import { createLedger } from './ledger/ledger.ts'
import { createQueues } from './queues/queues.ts'
import { createResults } from './batches/results.ts'
import { createEnqueueBatch } from './batches/enqueue-batch.ts'
import { createInsight } from './insight/insight.ts'
import { createLiveFeed } from './insight/live-feed.ts'
import { createLevelBatches } from './summaries/level-batches.ts'
import { createEnqueueSummary } from './summaries/summary-job.ts'
import { createSummaryStore } from './summaries/summary-store.ts'
import { createSummaries } from './summaries/summaries.ts'
import { createUploads } from './batches/uploads.ts'
import { createChanges } from './redis/changes.ts'
import { claimFormat } from './redis/format.ts'
import { reconnectTogether } from './redis/heartbeat.ts'
import { noWebhooks, openWebhookRooms } from './webhooks/open-webhooks.ts'
import { createCheckWebhook, createWebhooks } from './webhooks/webhooks.ts'

const pingLimitMs = 1_000

export interface EngineOptions {
  readonly redisUrl: string
  /** The prefix of every Redis key. */
  readonly prefix: string
  readonly lanes: Readonly<Record<string, LaneConfig>>
  /** What all files may take in Redis, compressed; undefined: 2 GB. */
  readonly filesBytes?: number
  /** Undefined: no endpoints, no secrets, public addresses only. */
  readonly webhooks?: WebhookConfig
  /** Gets connection errors, among others; connections reconnect by themselves. */
  readonly onError: (error: Error) => void
}

/** The engine as the API uses it: stores batches, reads and controls them, and runs no item. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { redisUrl, prefix, lanes, filesBytes, webhooks = noWebhooks, onError } = options
  await using opening = new AsyncDisposableStack()
  const keys = createKeys(prefix)
  const redis = opening.adopt(await connectFailingFast(redisUrl, onError), (it) => it.disconnect())
  await claimFormat(redis, keys)
  const subscriber = await connectWaiting(redisUrl, onError, { subscribes: true })
  const changes = opening.use(createChanges({ subscriber }))
  reconnectTogether(redis, subscriber)
  const open = opening.use(createQueues({ redis, keys, onError }))
  const batchesQueue = open.batches()
  const summariesQueue = open.summaries()
  const filesQueue = open.files()
  const webhooksQueue = open.webhooks()
  const laneNames = Object.keys(lanes)
  const laneQueues = new Map(laneNames.map((name) => [name, open.lane(name)]))
  const queues = [batchesQueue, summariesQueue, filesQueue, webhooksQueue, ...laneQueues.values()]
  const ledger = createLedger({ redis, keys })

  const enqueueBatch = createEnqueueBatch({ redis, keys, queue: batchesQueue })
  const isPriced = (lane: string) => lanes[lane]?.prices !== undefined
  const admission = createAdmission({ redis, isPriced })
  const durability = await readDurability(redis)
  const confirm = () => durability.confirm()
  const idempotency = createIdempotency({ redis, keys })
  const finder = createBatchFinder({
    redis,
    keys,
    isPriced,
    hasLane: (lane) => Object.hasOwn(lanes, lane),
    readPulse: createLanePulses({ redis, keys, lanes }),
  })
  const checkWebhook = createCheckWebhook(webhooks)
  const items = createItemSource({ redis, keys })
  const batches = createBatches({
    redis,
    keys,
    ledger,
    changes,
    finder,
    enqueueBatch,
    confirm,
    admission,
    idempotency,
    checkWebhook,
    items,
  })
  const opened = opening.move()
  const results = createResults({ redis, keys, changes, items })
  const work = createLaneWork({ redis, keys })
  const summaryStore = createSummaryStore({ redis, keys })
  const checkMemory = () => admission.check()
  const { files, fileBytes, fileUploads, models, ...fileRooms } = openFileRooms({
    redis,
    keys,
    queue: filesQueue,
    lanes,
    mostBytes: filesBytes,
    confirm,
    checkMemory,
  })
  const summaries = createSummaries({
    redis,
    keys,
    changes,
    batches,
    results,
    levels: createLevelBatches({ redis, keys, enqueueBatch }),
    store: summaryStore,
    enqueueSummary: createEnqueueSummary({ store: summaryStore, queue: summariesQueue }),
    admission,
    idempotency,
    isPriced,
    confirm,
    checkWebhook,
  })
  const lanesNow = () => readLanes({ redis, keys, lanes, work, queueOf: (name) => laneQueues.get(name)! })

  return {
    extractors: createExtractors({ redis, keys }),
    batches,
    uploads: createUploads({
      redis,
      keys,
      enqueueBatch,
      admission,
      confirm,
      finder,
      idempotency,
      checkWebhook,
    }),
    results,
    extractions: createExtractions({
      redis,
      keys,
      changes,
      admission,
      finder,
      confirm,
      queueOf: (lane) => laneQueues.get(lane)!,
    }),
    summaries,
    files,
    fileBytes,
    fileUploads,
    fileBatches: createFileBatches({ redis, keys, ledger, results, confirm, ...fileRooms }),
    models,
    webhooks: createWebhooks({
      ...openWebhookRooms({ redis, keys, queue: webhooksQueue, settings: webhooks }),
      confirm,
    }),
    insight: createInsight({ redis, keys, items, isPriced }),
    live: createLiveFeed({ redis, keys, changes, finder, summaries, readLanes: lanesNow, onError }),
    queues,
    lanes: laneNames,
    contextTokens: (lane) => lanes[lane]?.contextTokens,
    durability: durability.level,
    memory: () => admission.memory(),
    lanesNow,
    cost(lane, usage) {
      const prices = lanes[lane]?.prices
      return prices === undefined ? null : createMoney(prices).of({ usage, cachedInputTokens: 0 }) / 1e9
    },
    ping: () => ping(redis),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Rejects when Redis does not answer in time: an unreachable Redis may keep the command waiting. */
async function ping(redis: Redis): Promise<void> {
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => limit.reject(new Error('Redis did not answer within a second.')), pingLimitMs)
  try {
    await Promise.race([redis.ping(), limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
