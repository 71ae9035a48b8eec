import { randomUUID } from 'node:crypto'
import type { Deadlines } from '@sluice/contract/batch'
import type { EstimateTokens, Extract, LongTexts } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import { createAdaptiveLimit, watched } from './quota/adaptive-limit.ts'
import { createAnswers } from './items/answer-cache.ts'
import { createBatchWorker } from './batches/batch-worker.ts'
import { connectWaiting } from './redis/connect.ts'
import type { EngineOptions } from './create-engine.ts'
import { createFeeder } from './batches/feeder.ts'
import { createItemSource } from './batches/item-reader.ts'
import { createItemWorker } from './items/item-worker.ts'
import { createKeys } from './redis/keys.ts'
import { startLaneStats } from './lanes/lane-stats.ts'
import { createLedger } from './ledger/ledger.ts'
import { type Activity, createMakeCall } from './items/make-call.ts'
import { createMoney } from './items/prices.ts'
import { wholeTexts } from './items/long-text.ts'
import { createQuota } from './quota/create-quota.ts'
import { laneLimits } from './quota/lane-limits.ts'
import { createQueues } from './queues/queues.ts'
import { createRunItem, type Recipe } from './items/run-item.ts'
import { createSlots } from './items/slots.ts'
import { createResults } from './batches/results.ts'
import { createStartBatch } from './batches/begin-batch.ts'
import { createLevelBatches } from './summaries/level-batches.ts'
import { createMoveSummary } from './summaries/move-summary.ts'
import { createRunSummary } from './summaries/run-summary.ts'
import { createStartSummary } from './summaries/start-summary.ts'
import { createSummaryWorker } from './summaries/summary-worker.ts'
import { startSweeper } from './recovery/sweeper.ts'
import { createChanges } from './redis/changes.ts'
import { createLaneWindow } from './lanes/window.ts'

const announceMs = 2_000
/** A cancelled batch's calls are aborted within this, on every worker, without a message that could be lost. */
const cancelLookMs = 400
const recipesKept = 500
/**
 * Items held beyond those whose call is in flight: taken up, or being recorded. So a call's slot goes to the next one at once,
 * and what Redis takes for its writes to be on disk (about 1 ms each, `appendfsync always`) costs no throughput.
 */
const preparedFraction = 0.25
/** Of these, those whose call the ledger has opened while all slots are taken: as many as begin in the time of one write at 200 ms a call. */
const openedFraction = 0.1
/**
 * BullMQ's limiter counts every job that starts, also those dropped without a call after a pause or a cancel: each time up to the whole
 * window, twice what all workers hold. So many in a minute are no reason to stand still: ten workers whose batches are paused five times.
 * The quota is what paces; the guard only keeps jobs from going in circles.
 */
const mostDroppedPerHeld = 100

export interface WorkerOptions extends EngineOptions {
  /** The most calls in flight of this process, on each lane. */
  readonly concurrency: number
  /** Ended batches are removed after this; null: never. */
  readonly retentionMs: number | null
  /** The provider of each lane. */
  readonly provider: (lane: string) => {
    readonly extract: Extract
    readonly estimateTokens: EstimateTokens
    /** None: every text is sent as it is. */
    readonly longTexts?: LongTexts
  }
}

export interface WorkerEngine {
  /** Takes no more work, lets calls in flight end for `graceMs`, hands the rest back, closes every connection. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

/** The engine as a worker runs it: feeds batches and runs items of every lane. */
export async function createWorker({
  redisUrl,
  prefix,
  lanes,
  concurrency,
  retentionMs,
  provider,
  onError,
}: WorkerOptions): Promise<WorkerEngine> {
  await using opening = new AsyncDisposableStack()
  const keys = createKeys(prefix)
  const held = concurrency + Math.max(2, Math.ceil(concurrency * preparedFraction))
  const me = { id: randomUUID(), held, concurrency }
  const redis = opening.adopt(await connectWaiting(redisUrl, onError), (it) => it.disconnect())
  const changes = opening.use(createChanges({ subscriber: await connectWaiting(redisUrl, onError) }))
  const ledger = createLedger({ redis, keys })
  const items = createItemSource(redis, keys)
  const readRecipe = cachedRecipes()
  const queues = createQueues({ redis, keys, onError })
  opening.use(queues)
  const batchesQueue = queues.batches()
  const startBatch = createStartBatch(redis, keys, batchesQueue)
  const startSummary = createStartSummary(redis, keys, queues.summaries())
  const openLanes = new Map(Object.entries(lanes).map(([name, config]) => [name, openLane(name, config)]))
  await announce()
  const feedBatch = createFeeder({
    redis,
    keys,
    ledger,
    changes,
    lane: openLaneOf,
  })
  const batchWorker = createBatchWorker({ connection: redis, redis, keys, feedBatch, onError })
  const summaryWorker = createSummaryWorker({
    connection: redis,
    keys,
    runSummary: createRunSummary({
      redis,
      keys,
      ledger,
      changes,
      results: createResults(redis, keys, changes, items),
      levels: createLevelBatches({ redis, keys, startBatch }),
      move: createMoveSummary(redis, keys),
      estimateTokens: (name) => openLaneOf(name).estimateTokens,
    }),
    onError,
  })
  const sweeper = startSweeper({ redis, keys, startBatch, startSummary, retentionMs, onError })
  const announcing = every(announceMs, announce)
  const looking = every(cancelLookMs, abortCancelled)
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
    clearInterval(announcing)
    await Promise.all([...openLanes].map(([, lane]) => lane.window.retire(me).catch(onError)))
    await Promise.all([sweeper.stop(), batchWorker.close(), summaryWorker.close(), closeLanes(graceMs)])
    clearInterval(looking)
    await Promise.all([...openLanes.values()].map(({ stats }) => stats.stop()))
    await opened.disposeAsync()
  }

  async function closeLanes(graceMs: number): Promise<void> {
    await Promise.all([...openLanes.values()].map((lane) => lane.worker.close(graceMs)))
  }

  function openLaneOf(name: string) {
    const lane = openLanes.get(name)
    if (lane === undefined)
      throw new Error(`This worker has no lane '${name}': its configuration differs from the API's.`)
    return lane
  }

  function openLane(name: string, config: LaneConfig) {
    const { extract, estimateTokens, longTexts = wholeTexts } = provider(name)
    const slots = createSlots(concurrency)
    const places = createSlots(placesFor(concurrency))
    const adaptive =
      config.concurrency === 'fixed'
        ? null
        : createAdaptiveLimit({
            most: concurrency,
            resize(limit) {
              places.resize(placesFor(limit))
              slots.resize(limit)
            },
          })
    const quota = opening.use(
      createQuota({
        redis,
        key: keys.lane(name).quota,
        limits: laneLimits(config),
        ...(config.maxInFlight === undefined ? {} : { maxInFlight: config.maxInFlight }),
        ...(adaptive === null ? {} : { onMode: (mode) => adaptive.heard(mode) }),
        onError,
      }),
    )
    const activity: Activity = { inFlight: 0, waitingForQuota: 0 }
    const stats = startLaneStats({ redis, keys: keys.lane(name), workerId: me.id, gauges: () => activity, onError })
    const money = createMoney(config.prices)
    const makeCall = createMakeCall({
      ledger,
      quota,
      extract: adaptive === null ? extract : watched(extract, adaptive),
      estimateTokens,
      slots,
      places,
      money,
      activity,
      onRepeated: stats.repeated,
    })
    const runItem = createRunItem({
      ledger,
      makeCall,
      readItem: (batchId, index) => items.get(batchId, index),
      readRecipe,
      pauseLane: (reason) => pauseLane(name, reason),
      pauseBatch: async (batchId, reason) => void (await ledger.pause(batchId, reason)),
      longTexts,
      answers: createAnswers(redis, keys, config),
      policy: config.retry,
      money,
      onCall: stats.called,
    })
    return {
      stats,
      estimateTokens,
      queue: queues.lane(name),
      window: createLaneWindow(redis, keys, name),
      worker: createItemWorker({
        connection: redis,
        keys,
        lane: name,
        concurrency: held,
        limiter:
          config.rpm === undefined
            ? { max: 1_000_000, duration: 1_000 }
            : { max: 2 * config.rpm + mostDroppedPerHeld * held, duration: 60_000 },
        runItem,
        onError,
      }),
    }
  }

  function placesFor(calls: number): number {
    return calls + Math.ceil(calls * openedFraction)
  }

  async function pauseLane(lane: string, reason: string): Promise<void> {
    const batchIds = await redis.hkeys(keys.lane(lane).feeding)
    await Promise.all(batchIds.map((id) => ledger.pause(id, reason)))
  }

  async function announce(): Promise<void> {
    await Promise.all([...openLanes.values()].map((lane) => lane.window.announce(me)))
  }

  async function abortCancelled(): Promise<void> {
    for (const { worker } of openLanes.values()) {
      const running = [...worker.runningBatches()]
      const statuses = await Promise.all(running.map((id) => redis.hget(keys.batch(id).meta, 'status')))
      worker.abortBatches(new Set(running.filter((_, i) => statuses[i] === 'cancelling' || statuses[i] === null)))
    }
  }

  function every(ms: number, act: () => Promise<void>): NodeJS.Timeout {
    let busy = false
    return setInterval(() => {
      if (busy) return
      busy = true
      act()
        .catch(onError)
        .finally(() => {
          busy = false
        })
    }, ms)
  }

  function cachedRecipes(): (batchId: string) => Promise<Recipe | null> {
    const kept = new Map<string, Recipe>()
    return async (batchId) => {
      const here = kept.get(batchId)
      if (here !== undefined) return here
      const [extractor, deadlines, deduplicate, cacheMs, summary] = await redis.hmget(
        keys.batch(batchId).meta,
        'extractor',
        'deadlines',
        'deduplicate',
        'cache_ms',
        'summary',
      )
      if (!extractor) return null
      const recipe = {
        extractor: JSON.parse(extractor) as Extractor,
        deadlines: JSON.parse(deadlines ?? '{}') as Deadlines,
        deduplicate: deduplicate === '1',
        cacheMs: cacheMs ? Number(cacheMs) : null,
        cutsTexts: !summary,
      }
      const oldest = kept.keys().next().value
      if (kept.size >= recipesKept && oldest !== undefined) kept.delete(oldest)
      kept.set(batchId, recipe)
      return recipe
    }
  }
}
