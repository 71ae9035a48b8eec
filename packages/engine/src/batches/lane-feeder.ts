import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { OpenLane } from '../lanes/open-lane.ts'
import type { Turn } from '../lanes/ready-batches.ts'
import type { Feed, Ledger } from '../ledger/ledger.ts'
import { itemJobName, itemJobId, itemJobOptions } from '../queues/jobs.ts'
import { type ChangeListener, type Changes, publish } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'
import { createLease } from '../redis/lease.ts'
import type { RedisMemory } from '../redis/memory.ts'
import { type CappedBatches, createCappedBatches } from './capped-batches.ts'
import { createFeedPlan, frontRow, type Portion } from './feed-plan.ts'

/** A feeder that dies is replaced after this. Meanwhile the workers live on the items in the window. */
const leaseMs = 3_000
/** Between two rounds, so that items that end one by one do not cost a round each. */
const roundMs = 10
/** Without a message: how often a full window is checked, and a lane without work. */
const fullMs = 100
const idleMs = 1_000
/** Nothing is fed above this: the rest of the memory is for the results of what is in the window. New batches are rejected at 80 %. */
const fullFraction = 0.95

export interface LaneFeederDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly name: string
  readonly lane: Pick<OpenLane, 'queue' | 'window' | 'ready' | 'onJobEnded'>
  /** One process at a time feeds a lane. */
  readonly workerId: string
  readonly ledger: Ledger
  readonly changes: Changes
  readonly memory: RedisMemory
  readonly onError: (error: Error) => void
}

export interface LaneFeeder {
  stop(): Promise<void>
}

/**
 * Keeps a lane's window filled from all batches that are ready, by weight. It keeps no state that matters: it may die at any point,
 * run in two processes at once, or be replaced. A batch costs it nothing while it is paused or wholly in the window.
 */
export function createLaneFeeder(dependencies: LaneFeederDependencies): LaneFeeder {
  const { redis, keys, name, lane, workerId, ledger, changes, memory, onError } = dependencies
  const { queue, window, ready } = lane
  const k = keys.lane(name)
  const plan = createFeedPlan({ redis, keys, ready })
  const lease = createLease({ redis, key: k.feeder, holder: workerId, ms: leaseMs })
  const stopping = new AbortController()
  const { signal } = stopping
  let change: ChangeListener | undefined
  let hasWork = false
  /** What a step that failed half-way has left to do; done before anything else. */
  let unfinished: { readonly jobs: ItemJobToAdd[]; readonly again: Turn[]; readonly capped: Turn[] } = noneLeft()
  const running = run()
  lane.onJobEnded(() => {
    if (hasWork) change?.notify()
  })

  return {
    async stop() {
      stopping.abort()
      await running
    },
  }

  async function run(): Promise<void> {
    using listening = await changes.listen(k.changes)
    change = listening
    using cappedBatches = createCappedBatches({ redis, keys, ready, changes, onChange: () => listening.notify() })
    let failures = 0
    while (!signal.aborted) {
      const startedAt = Date.now()
      try {
        const isMine = await lease.hold()
        if (!isMine) hasWork = false
        const fed = isMine ? await feedRound(cappedBatches) : 0
        failures = 0
        if (fed === 0) await listening.wait(hasWork ? fullMs : idleMs, signal)
        await pause(startedAt + roundMs - Date.now())
      } catch (error) {
        if (signal.aborted) break
        failures += 1
        onError(error as Error)
        await pause(Math.min(2_000, 50 * 2 ** failures))
      }
    }
    // What is left undone is found by the sweeper.
    await finish().catch(() => {})
    // The next feeder need not wait for the lease to end. Without Redis it ends by itself.
    await lease.release().catch(() => {})
    await publish(redis, k.changes, 'free').catch(() => {})
  }

  async function pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {})
  }

  /** Returns how many items it brought into the window. */
  async function feedRound(cappedBatches: CappedBatches): Promise<number> {
    await finish()
    const capped = await cappedBatches.release()
    const { portions, most, hasReady } = await plan.next(await window.room())
    hasWork = hasReady || capped > 0
    if (portions.length === 0 || (await memory.fraction()) > fullFraction) return 0
    return feed(portions, most)
  }

  async function feed(portions: readonly Portion[], most: number): Promise<number> {
    await ready.take(portions.map(({ turn }) => turn))
    const { jobs, again, capped } = unfinished
    const errors: unknown[] = []
    await Promise.all(
      portions.map(async ({ turn, places, first }) => {
        try {
          const feed = await ledger.feed(turn.batchId, { places, most })
          plan.fed(turn.batchId)
          const next = { batchId: turn.batchId, at: turn.at + feed.items.length / feed.weight }
          if (feed.left > 0 && feed.status === 'in_progress') (feed.isFull ? capped : again).push(next)
          jobs.push(...itemJobs(turn.batchId, feed, first && feed.items.length <= frontRow))
        } catch (error) {
          again.push(turn)
          errors.push(error)
        }
      }),
    )
    const count = jobs.length
    await finish()
    if (errors.length > 0) throw errors[0]
    return count
  }

  /** Adds the jobs of what was fed, and puts the batches back. What fails is done before the next round. */
  async function finish(): Promise<void> {
    const { jobs, again, capped } = unfinished
    if (jobs.length > 0) await queue.addBulk(jobs)
    jobs.length = 0
    await ready.putBack(again, capped)
    unfinished = noneLeft()
  }
}

type ItemJobToAdd = Parameters<Queue['addBulk']>[0][number]

function noneLeft() {
  return { jobs: [] as ItemJobToAdd[], again: [] as Turn[], capped: [] as Turn[] }
}

/** `first`: they go to the front of the queue, in their order. */
function itemJobs(batchId: string, { label, items }: Feed, first: boolean): ItemJobToAdd[] {
  const jobs = items.map(({ index, feed }) => {
    const data = { batch_id: batchId, index, feed }
    return { name: itemJobName(label, index), data, opts: { ...itemJobOptions, lifo: first, jobId: itemJobId(data) } }
  })
  return first ? jobs.reverse() : jobs
}
