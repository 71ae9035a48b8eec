import type { LaneConfig } from '@sluice/contract/lane'
import { createBatchEnded } from './batches/batch-ended.ts'
import { createBatchWorker } from './batches/batch-worker.ts'
import { createEnqueueBatch } from './batches/enqueue-batch.ts'
import { createFeeder } from './batches/feeder.ts'
import { createItemSource } from './batches/item-reader.ts'
import { createResults } from './batches/results.ts'
import { createRetention } from './batches/retention.ts'
import type { EngineOptions } from './create-engine.ts'
import { createRecipes } from './items/recipes.ts'
import { type LaneProvider, openLane } from './lanes/open-lane.ts'
import { createLiveWorker } from './lanes/window.ts'
import { createLedger } from './ledger/ledger.ts'
import { createQueues } from './queues/queues.ts'
import { createSweeper } from './recovery/sweeper.ts'
import { createChanges } from './redis/changes.ts'
import { connectWaiting } from './redis/connect.ts'
import { createKeys } from './redis/keys.ts'
import { repeat } from './repeat.ts'
import { createLevelBatches } from './summaries/level-batches.ts'
import { createRunSummary } from './summaries/run-summary.ts'
import { createOnLevelEnded, createEnqueueSummary, createSummaryWorker } from './summaries/summary-job.ts'
import { createSummaryStore } from './summaries/summary-store.ts'

const announceMs = 2_000
/** Every worker aborts a cancelled batch's calls within this time, without a message that could be lost. */
const cancelLookMs = 400

export interface WorkerOptions extends EngineOptions {
  /** The most calls in flight of this process, on each lane. */
  readonly concurrency: number
  /** Ended batches are removed after this time; null: never. */
  readonly retentionMs: number | null
  readonly provider: (lane: string) => LaneProvider
}

export interface WorkerEngine {
  /** Takes no more work, lets calls in flight end for `graceMs`, hands the rest back, closes every connection. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

/** The engine as a worker runs it: feeds batches, takes summaries through their levels, and runs the items of every lane. */
export async function createWorker(options: WorkerOptions): Promise<WorkerEngine> {
  const { redisUrl, prefix, retentionMs, onError } = options
  await using opening = new AsyncDisposableStack()
  const keys = createKeys(prefix)
  const redis = opening.adopt(await connectWaiting(redisUrl, onError), (it) => it.disconnect())
  const changes = opening.use(createChanges({ subscriber: await connectWaiting(redisUrl, onError) }))
  const queues = opening.use(createQueues({ redis, keys, onError }))
  const ledger = createLedger({ redis, keys })
  const items = createItemSource({ redis, keys })
  const enqueueBatch = createEnqueueBatch({ redis, keys, queue: queues.batches() })
  const summaries = createSummaryStore({ redis, keys })
  const enqueueSummary = createEnqueueSummary({ store: summaries, queue: queues.summaries() })
  const liveWorker = createLiveWorker(options.concurrency)
  const readRecipe = createRecipes({ redis, keys })
  const openNamed = (name: string, config: LaneConfig) => {
    const provider = options.provider(name)
    return openLane({ redis, keys, ledger, queues, name, config, provider, liveWorker, items, readRecipe, onError })
  }
  const lanes = new Map(
    Object.entries(options.lanes).map(([name, config]) => [name, opening.use(openNamed(name, config))]),
  )
  const laneOf = (name: string) => {
    const lane = lanes.get(name)
    if (lane !== undefined) return lane
    throw new Error(`This worker has no lane '${name}': its configuration differs from the API's.`)
  }
  const everyLane = async (act: (lane: ReturnType<typeof laneOf>) => Promise<void>) =>
    void (await Promise.all([...lanes.values()].map(act)))
  const announce = () => everyLane((lane) => lane.window.announce(liveWorker))
  await announce()

  const feedBatch = createFeeder({ redis, keys, ledger, changes, lane: laneOf })
  const retention = createRetention({ redis, keys, retentionMs })
  const consumers = [retention.onBatchEnded, createOnLevelEnded({ enqueueSummary })]
  const handleBatchEnded = createBatchEnded({ redis, keys, consumers })
  const batchWorker = createBatchWorker({ connection: redis, redis, keys, feedBatch, handleBatchEnded, onError })
  const runSummary = createRunSummary({
    redis,
    keys,
    ledger,
    changes,
    results: createResults({ redis, keys, changes, items }),
    levels: createLevelBatches({ redis, keys, enqueueBatch }),
    store: summaries,
    estimateTokens: (name) => laneOf(name).estimateTokens,
  })
  const summaryWorker = createSummaryWorker({ connection: redis, keys, runSummary, onError })
  const ending = { handleBatchEnded, retention, retentionMs }
  const sweeper = createSweeper({ redis, keys, enqueueBatch, summaries, enqueueSummary, ...ending, onError })
  const announcing = repeat(announce, { everyMs: announceMs, first: 'after-interval', onError })
  const abortCancelled = () => everyLane((lane) => lane.abortCancelled())
  const looking = repeat(abortCancelled, { everyMs: cancelLookMs, first: 'after-interval', onError })
  const opened = opening.move()
  let closing: Promise<void> | undefined

  return {
    async close(graceMs) {
      if (closing === undefined) closing = close(graceMs)
      else await closeLanes(graceMs)
      await closing
    },
  }

  async function close(graceMs: number): Promise<void> {
    await announcing.stop()
    await everyLane((lane) => lane.window.retire(liveWorker).catch(onError))
    await Promise.all([sweeper.stop(), batchWorker.close(), summaryWorker.close(), closeLanes(graceMs)])
    await looking.stop()
    await opened.disposeAsync()
  }

  async function closeLanes(graceMs: number): Promise<void> {
    await everyLane((lane) => lane.worker.close(graceMs))
  }
}
