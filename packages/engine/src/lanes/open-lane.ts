import type { EstimateTokens, Extract, LongTexts } from '@sluice/contract/extract-function'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createAnswers } from '../items/answer-cache.ts'
import { createItemWorker, type ItemWorker } from '../items/item-worker.ts'
import { wholeTexts } from '../items/long-text.ts'
import { type Activity, createMakeCall } from '../items/make-call.ts'
import { createMoney } from '../items/prices.ts'
import type { ReadRecipe } from '../items/recipes.ts'
import { createRecordItem } from '../items/record-item.ts'
import { createRunItem } from '../items/run-item.ts'
import { createSettleAnswer } from '../items/settle-answer.ts'
import { createSettleCall } from '../items/settle-call.ts'
import { createSlots } from '../items/slots.ts'
import { createTakeItem, type ItemSource } from '../items/take-item.ts'
import { createTaskOf } from '../items/task.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Queues } from '../queues/queues.ts'
import { createAdaptiveLimit, watched } from '../quota/adaptive-limit.ts'
import { configuredLimits } from '../quota/configured-limits.ts'
import { createQuota } from '../quota/create-quota.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { createLaneStats } from './lane-stats.ts'
import { createReadyBatches, type ReadyBatches } from './ready-batches.ts'
import { createLaneWindow, type LaneWindow, type LiveWorker } from './window.ts'

/** Calls that the ledger has opened while all slots are taken: as many as begin in the time of one write at 200 ms a call. */
const openedFraction = 0.1
/**
 * BullMQ's limiter counts every job that starts, also those dropped without a call after a pause or a cancel: each time up to the
 * whole window, twice what all workers hold. So many in a minute must not stop the lane: ten workers whose batches are paused five
 * times. The quota paces the calls; this limiter only keeps jobs from going in circles.
 */
const mostDroppedPerHeld = 100

/** What a worker needs to know about the provider of a lane. */
export interface LaneProvider {
  readonly extract: Extract
  readonly estimateTokens: EstimateTokens
  /** Without it every text is sent whole. */
  readonly longTexts?: LongTexts
}

/** A lane as one worker process runs it. Disposing stops its items without grace. */
export interface OpenLane extends AsyncDisposable {
  readonly queue: Queue
  readonly window: LaneWindow
  readonly ready: ReadyBatches
  readonly worker: ItemWorker
  readonly estimateTokens: EstimateTokens
  /** Aborts the running items of batches that were cancelled or deleted. */
  abortCancelled(): Promise<void>
  /** Notifies the lane's feeder of each item that left the window on this worker. */
  onJobEnded(listener: () => void): void
}

export interface OpenLaneDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly queues: Queues
  readonly name: string
  readonly config: LaneConfig
  readonly provider: LaneProvider
  readonly liveWorker: LiveWorker
  readonly items: ItemSource
  readonly readRecipe: ReadRecipe
  readonly gate: RedisGate
  /** Aborts when nothing may begin any more. */
  readonly stopping: AbortSignal
  readonly onError: (error: Error) => void
}

export function openLane(dependencies: OpenLaneDependencies): OpenLane {
  const { redis, keys, ledger, queues, name, config, provider, liveWorker, onError } = dependencies
  const queue = queues.lane(name)
  const ready = createReadyBatches({ redis, keys, lane: name })
  const window = createLaneWindow({ redis, keys, lane: name, queue })
  const activity: Activity = { inFlight: 0, waitingForQuota: 0 }
  const stats = createLaneStats({ redis, keys: keys.lane(name), workerId: liveWorker.id, activity, onError })
  const { quota, ...calls } = openCalls(dependencies)
  const money = createMoney(config.prices)
  const { longTexts = wholeTexts, estimateTokens } = provider
  const answers = createAnswers({ redis, keys, config })
  const record = createRecordItem({ ledger, answers })
  const policy = config.retry
  const runItem = createRunItem({
    takeItem: createTakeItem({ ...dependencies, answers, taskOf: createTaskOf({ longTexts, policy }) }),
    makeCall: createMakeCall({
      ...calls,
      ledger,
      quota,
      model: config.model,
      estimateTokens,
      money,
      activity,
      onRepeated: stats.repeated,
    }),
    settleCall: createSettleCall({
      ledger,
      record,
      policy,
      settleAnswer: createSettleAnswer({ ledger, record, pauseLane, money, onCall: stats.called }),
    }),
    record,
  })
  const jobEnded: { listener?: () => void } = {}
  const limiter = itemLimiter(config, liveWorker.held)
  const worker = createItemWorker({
    redis,
    keys,
    lane: name,
    workerId: liveWorker.id,
    concurrency: liveWorker.held,
    limiter,
    runItem,
    gate: dependencies.gate,
    stopping: dependencies.stopping,
    onJobEnded: () => jobEnded.listener?.(),
    onError,
  })

  return {
    queue,
    ready,
    window,
    worker,
    estimateTokens,
    abortCancelled,
    onJobEnded(listener) {
      jobEnded.listener = listener
    },
    async [Symbol.asyncDispose]() {
      await worker.close(0)
      await stats.stop()
      await quota[Symbol.asyncDispose]()
    },
  }

  /** Nothing on the lane can succeed: pauses every batch that it feeds. */
  async function pauseLane(reason: string): Promise<void> {
    for await (const batchIds of ready.all()) await Promise.all(batchIds.map((id) => ledger.pause(id, reason)))
  }

  async function abortCancelled(): Promise<void> {
    const running = [...worker.runningBatches()]
    const batches = await Promise.all(running.map((id) => readBatchMeta(redis, keys.batch(id))))
    const stopped = running.filter((_, i) => batches[i] == null || batches[i].status === 'cancelling')
    worker.abortBatches(new Set(stopped))
  }
}

/** What bounds the lane's calls: the slots of this process, adapted to what the provider bears, and the quota of all processes. */
function openCalls({ redis, keys, name, config, provider, liveWorker, onError }: OpenLaneDependencies) {
  const most = liveWorker.concurrency
  const slots = createSlots(most)
  const openingSlots = createSlots(openingSlotsFor(most))
  const adaptive =
    config.concurrency === 'fixed'
      ? null
      : createAdaptiveLimit({
          most,
          resize(limit) {
            openingSlots.resize(openingSlotsFor(limit))
            slots.resize(limit)
          },
        })
  const quota = createQuota({
    redis,
    key: keys.lane(name).quota,
    limits: configuredLimits(config),
    longestWaitMs: config.longestWaitS * 1_000,
    ...(config.maxInFlight === undefined ? {} : { maxInFlight: config.maxInFlight }),
    ...(adaptive === null ? {} : { onMode: (mode) => adaptive.heard(mode) }),
    onError,
  })
  const extract = adaptive === null ? provider.extract : watched(provider.extract, adaptive)
  return { slots, openingSlots, quota, extract }
}

function openingSlotsFor(calls: number): number {
  return calls + Math.ceil(calls * openedFraction)
}

/** None for a lane without `rpm`: BullMQ would count each job for nothing, with two commands. */
function itemLimiter({ rpm }: LaneConfig, held: number): { max: number; duration: number } | null {
  return rpm === undefined ? null : { max: 2 * rpm + mostDroppedPerHeld * held, duration: 60_000 }
}
