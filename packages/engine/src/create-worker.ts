import { createBatchEnded } from './batches/batch-ended.ts'
import { createBatchReporter } from './batches/batch-reporter.ts'
import { createEnqueueBatch } from './batches/enqueue-batch.ts'
import { createItemSource } from './batches/item-reader.ts'
import { createLaneFeeder } from './batches/lane-feeder.ts'
import { createResults } from './batches/results.ts'
import { createRetention } from './batches/retention.ts'
import { createClosing, createWorkerEnd, type WorkerEngine } from './close-worker.ts'
import type { EngineOptions } from './create-engine.ts'
import { openFileBatchWorker } from './file-batches/open-file-batch-worker.ts'
import { createRecipes } from './items/recipes.ts'
import { createLanePulses } from './lanes/lane-pulse.ts'
import type { LaneProvider } from './lanes/open-lane.ts'
import { openLanes } from './lanes/open-lanes.ts'
import { createMarkReady } from './lanes/ready-batches.ts'
import { createLiveWorker } from './lanes/window.ts'
import { createHeldLedger } from './ledger/held-ledger.ts'
import { createLedger } from './ledger/ledger.ts'
import { createQueues } from './queues/queues.ts'
import { connectionNameOf, createDeadWorkers } from './recovery/dead-workers.ts'
import { createSweeper } from './recovery/sweeper.ts'
import { createKeys } from './redis/keys.ts'
import { openConnections } from './redis/open-connections.ts'
import { openSummaryWorker } from './summaries/open-summary-worker.ts'
import type { Schedule } from './webhooks/deliver.ts'
import { noWebhooks, openWebhookWorker } from './webhooks/open-webhooks.ts'

export interface WorkerOptions extends EngineOptions {
  /** The most calls in flight of this process, on each lane. */
  readonly concurrency: number
  /** Ended batches are removed after this time; null: never. */
  readonly retentionMs: number | null
  readonly provider: (lane: string) => LaneProvider
  /** When webhooks are attempted; undefined: over 72 hours. */
  readonly webhookSchedule?: Schedule
}

/** The engine as a worker runs it: feeds batches, takes summaries through their levels, and runs the items of every lane. */
export async function createWorker(options: WorkerOptions): Promise<WorkerEngine> {
  const { redisUrl, lanes: configs, filesBytes, retentionMs, provider, onError } = options
  await using opening = new AsyncDisposableStack()
  const keys = createKeys(options.prefix)
  const liveWorker = createLiveWorker(options.concurrency)
  const workerId = liveWorker.id
  const connectionName = connectionNameOf(workerId)
  const connections = opening.use(await openConnections({ redisUrl, keys, connectionName, onError }))
  const { redis, gate, changes, memory } = connections
  const base = { redis, connection: redis, keys, gate, changes, memory, onError }
  const end = createWorkerEnd()
  const queues = opening.use(createQueues(base))
  const readRecipe = createRecipes(base)
  const markReady = createMarkReady({ ...base, readRecipe })
  // If the handling of an event fails, the sweeper repeats it.
  const ledger = createLedger({
    ...base,
    events: {
      requeued: (id) => markReady(id).catch(onError),
      ended: (id) => void handleBatchEnded(id).catch(onError),
    },
  })
  const items = createItemSource(base)
  const results = createResults({ ...base, items })
  const enqueueBatch = createEnqueueBatch({ ...base, queue: queues.batches() })
  const heldLedger = createHeldLedger({ ...base, ...end.signals, ledger })
  const itemParts = { ...base, ...end.signals, ledger: heldLedger, queues, liveWorker, items, readRecipe }
  const lanes = opening.use(await openLanes({ ...itemParts, configs, provider }))

  const { webhooks: settings = noWebhooks, webhookSchedule: schedule } = options
  const webhooks = openWebhookWorker({ ...base, queue: queues.webhooks(), settings, schedule })
  const { onBatchEnded, onFileBatchEnded, onSummaryEnded } = webhooks
  const retention = createRetention({ ...base, retentionMs })
  const batchParts = { ...base, ledger, results, enqueueBatch, retentionMs }
  const estimateTokens = (lane: string) => lanes.get(lane).estimateTokens
  const summaryParts = { ...batchParts, onEnded: onSummaryEnded, estimateTokens }
  const summaries = openSummaryWorker({ ...summaryParts, queue: queues.summaries() })
  const consumers = [retention.onBatchEnded, summaries.onLevelEnded, onBatchEnded]
  const handleBatchEnded = createBatchEnded({ ...base, consumers })
  const readPulse = createLanePulses({ ...base, lanes: configs })
  const batchReporter = createBatchReporter({ ...base, handleBatchEnded, readPulse })
  const fileParts = { ...batchParts, onEnded: onFileBatchEnded, lanes: configs, filesBytes }
  const files = await openFileBatchWorker({ ...fileParts, queue: queues.files() })
  const feeders = [...lanes.byName].map(([name, lane]) => createLaneFeeder({ ...base, name, lane, workerId, ledger }))
  const sweeper = createSweeper({
    ...batchParts,
    workerId,
    queueOf: (lane) => lanes.byName.get(lane)?.queue,
    handleBatchEnded,
    retention,
    summaries: summaries.store,
    enqueueSummary: summaries.enqueueSummary,
    onSummaryEnded,
    sweepFiles: files.sweep,
    sweepWebhooks: webhooks.sweep,
  })
  const deadWorkers = createDeadWorkers({ ...base, workerId, lanes: [...lanes.byName.values()] })
  const opened = opening.move()

  return createClosing({
    end,
    closeLanes: (graceMs) => lanes.close(graceMs),
    steps: [
      { windows: () => lanes.retire() },
      { feeders: () => Promise.all(feeders.map((feeder) => feeder.stop())) },
      {
        'dead workers': () => deadWorkers.stop(),
        sweeper: () => sweeper.stop(),
        batches: () => batchReporter.close(),
        summaries: () => summaries.close(),
        files: () => files.close(),
        webhooks: () => webhooks.close(),
      },
    ],
    disconnect: () => connections.disconnect(),
    dispose: () => opened.disposeAsync(),
    onError,
  })
}
