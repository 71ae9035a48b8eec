import { createBatchEnded } from './batches/batch-ended.ts'
import { createBatchReporter } from './batches/batch-reporter.ts'
import { createEnqueueBatch } from './batches/enqueue-batch.ts'
import { createLaneFeeder } from './batches/lane-feeder.ts'
import { createItemSource } from './batches/item-reader.ts'
import { createResults } from './batches/results.ts'
import { createRetention } from './batches/retention.ts'
import type { EngineOptions } from './create-engine.ts'
import { openFileBatchWorker } from './file-batches/open-file-batch-worker.ts'
import { createRecipes } from './items/recipes.ts'
import { createLanePulses } from './lanes/lane-pulse.ts'
import type { LaneProvider } from './lanes/open-lane.ts'
import { openLanes } from './lanes/open-lanes.ts'
import { createReadyBatches } from './lanes/ready-batches.ts'
import { createLiveWorker } from './lanes/window.ts'
import { createHeldLedger } from './ledger/held-ledger.ts'
import { createLedger } from './ledger/ledger.ts'
import { createQueues } from './queues/queues.ts'
import { connectionNameOf, createDeadWorkers } from './recovery/dead-workers.ts'
import { createSweeper } from './recovery/sweeper.ts'
import { createChanges } from './redis/changes.ts'
import { connectWaiting } from './redis/connect.ts'
import { claimFormat } from './redis/format.ts'
import { createRedisGate } from './redis/gate.ts'
import { reconnectTogether } from './redis/heartbeat.ts'
import { createKeys } from './redis/keys.ts'
import { createRedisMemory } from './redis/memory.ts'
import { createLevelBatches } from './summaries/level-batches.ts'
import { createRunSummary } from './summaries/run-summary.ts'
import { createOnLevelEnded, createEnqueueSummary, createSummaryWorker } from './summaries/summary-job.ts'
import { createSummaryStore } from './summaries/summary-store.ts'
import type { Schedule } from './webhooks/deliver.ts'
import { noWebhooks, openWebhookWorker } from './webhooks/open-webhooks.ts'

/** After the grace: time for writes that Redis refused until then. The process ends 5 s after the grace. */
const lastWritesMs = 3_000
const memoryFreshMs = 500

export interface WorkerOptions extends EngineOptions {
  /** The most calls in flight of this process, on each lane. */
  readonly concurrency: number
  /** Ended batches are removed after this time; null: never. */
  readonly retentionMs: number | null
  readonly provider: (lane: string) => LaneProvider
  /** When webhooks are attempted; undefined: over 72 hours. */
  readonly webhookSchedule?: Schedule
}

export interface WorkerEngine {
  /** Takes no more work, lets calls in flight end for `graceMs`, hands back the rest, closes every connection. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

/** The engine as a worker runs it: feeds batches, takes summaries through their levels, and runs the items of every lane. */
export async function createWorker(options: WorkerOptions): Promise<WorkerEngine> {
  const { redisUrl, prefix, retentionMs, onError } = options
  await using opening = new AsyncDisposableStack()
  const keys = createKeys(prefix)
  const liveWorker = createLiveWorker(options.concurrency)
  const connectionName = connectionNameOf(liveWorker.id)
  const redis = opening.adopt(await connectWaiting(redisUrl, onError, { connectionName }), (it) => it.disconnect())
  const base = { redis, keys, onError }
  const gate = opening.use(createRedisGate({ ...base, key: keys.probe }))
  const stopping = new AbortController()
  const ending = new AbortController()
  const limits = { stopping: stopping.signal, ending: ending.signal }
  await claimFormat(redis, keys)
  const subscriber = await connectWaiting(redisUrl, onError, { subscribes: true })
  const changes = opening.use(createChanges({ subscriber }))
  reconnectTogether(redis, subscriber)
  const queues = opening.use(createQueues(base))
  const ledger = createLedger({
    ...base,
    // If it fails, the sweeper repeats it.
    events: {
      requeued: (id) => markReady(id).catch(onError),
      ended: (id) => void handleBatchEnded(id).catch(onError),
    },
  })
  const items = createItemSource({ redis, keys })
  const enqueueBatch = createEnqueueBatch({ redis, keys, queue: queues.batches() })
  const summaries = createSummaryStore({ redis, keys })
  const enqueueSummary = createEnqueueSummary({ store: summaries, queue: queues.summaries() })
  const readRecipe = createRecipes({ redis, keys })
  const { lanes: configs, provider } = options
  const held = createHeldLedger({ ledger, keys, gate, ...limits })
  const running = { ...base, ledger: held, gate, stopping: stopping.signal, queues, liveWorker, items, readRecipe }
  const lanes = opening.use(await openLanes({ ...running, configs, provider }))

  const webhooks = openWebhookWorker({
    ...base,
    connection: redis,
    gate,
    queue: queues.webhooks(),
    settings: options.webhooks ?? noWebhooks,
    schedule: options.webhookSchedule,
  })
  const retention = createRetention({ redis, keys, retentionMs })
  const handleBatchEnded = createBatchEnded({
    ...base,
    consumers: [retention.onBatchEnded, createOnLevelEnded({ enqueueSummary }), webhooks.onBatchEnded],
  })
  const readPulse = createLanePulses({ redis, keys, lanes: configs })
  const batchReporter = createBatchReporter({ ...base, connection: redis, gate, changes, handleBatchEnded, readPulse })
  const workerId = liveWorker.id
  const memory = createRedisMemory({ redis, freshMs: memoryFreshMs })
  const feeders = [...lanes.byName].map(([name, lane]) =>
    createLaneFeeder({ ...base, name, lane, workerId, ledger, changes, memory }),
  )
  const results = createResults({ redis, keys, changes, items })
  const runSummary = createRunSummary({
    ...base,
    ledger,
    changes,
    results,
    levels: createLevelBatches({ redis, keys, enqueueBatch }),
    store: summaries,
    onEnded: webhooks.onSummaryEnded,
    estimateTokens: (name) => lanes.get(name).estimateTokens,
  })
  const fileBatches = await openFileBatchWorker({
    ...base,
    lanes: configs,
    queue: queues.files(),
    filesBytes: options.filesBytes,
    gate,
    changes,
    ledger,
    results,
    enqueueBatch,
    onEnded: webhooks.onFileBatchEnded,
    retentionMs,
  })
  const summaryWorker = createSummaryWorker({ ...base, connection: redis, gate, runSummary })
  const sweeper = createSweeper({
    ...base,
    workerId,
    ledger,
    queueOf: (name) => lanes.byName.get(name)?.queue,
    enqueueBatch,
    handleBatchEnded,
    retention,
    summaries,
    enqueueSummary,
    onSummaryEnded: webhooks.onSummaryEnded,
    sweepFiles: fileBatches.sweep,
    sweepWebhooks: webhooks.sweep,
    retentionMs,
  })
  const deadWorkers = createDeadWorkers({ ...base, gate, workerId, lanes: [...lanes.byName.values()] })
  const opened = opening.move()
  let closing: Promise<void> | undefined
  /** Parts that are closing. */
  const open = new Set<string>()

  return {
    async close(graceMs) {
      stopping.abort(new Error('The process stops.'))
      const timer = setTimeout(giveUp, graceMs + lastWritesMs)
      if (closing === undefined) closing = close(graceMs)
      else await lanes.close(graceMs)
      await closing.finally(() => clearTimeout(timer))
    },
  }

  /** Its items wait for the feeder again. The recipe is in memory, as an item of the batch just ran here. */
  async function markReady(batchId: string): Promise<void> {
    const lane = (await readRecipe(batchId))?.task.lane
    if (lane !== undefined) await createReadyBatches({ redis, keys, lane }).mark(batchId)
  }

  /** What still waits for Redis waits no longer. Other workers take over what this one holds, as after a kill. */
  function giveUp(): void {
    ending.abort(new Error('The process ends.'))
    onError(
      new Error(`These parts did not close in time: ${[...open].join(', ')}. Other workers take over what they hold.`),
    )
    redis.disconnect()
    subscriber.disconnect()
  }

  async function close(graceMs: number): Promise<void> {
    try {
      const closingLanes = closed('lanes', lanes.close(graceMs))
      await closed('windows', lanes.retire())
      await closed('feeders', Promise.all(feeders.map((feeder) => feeder.stop())))
      await Promise.all([
        closed('dead workers', deadWorkers.stop()),
        closed('sweeper', sweeper.stop()),
        closed('batches', batchReporter.close()),
        closed('summaries', summaryWorker.close()),
        closed('files', fileBatches.close()),
        closed('webhooks', webhooks.close()),
        closingLanes,
      ])
    } catch (error) {
      // Whatever still ran when the connections were closed fails for that.
      if (!ending.signal.aborted) throw error
    }
    await opened.disposeAsync()
  }

  async function closed(part: string, closing: Promise<unknown>): Promise<void> {
    open.add(part)
    await closing
    open.delete(part)
  }
}
