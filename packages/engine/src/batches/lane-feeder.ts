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
/** Without a message: how often a full window is checked. Twice as long while nothing leaves it, up to the longest. */
const fullMs = 100
const longestFullMs = 400
/** Without a message: how often a lane without work is checked. */
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
  const plan = createFeedPlan({ redis, keys, ready, window })
  const lease = createLease({ redis, key: k.feeder, holder: workerId, ms: leaseMs })
  const stopping = new AbortController()
  const { signal } = stopping
  let change: ChangeListener | undefined
  let hasWork = false
  /** How long the next wait for a full window lasts, and how many places were free when it began. */
  let full = { ms: fullMs, free: 0 }
  /** What a step that failed half-way has left to do; done before anything else. */
  let unfinished = noneLeft()
  /** Batches that had nothing to feed and are fed once more: see `SettledTurns.empty`. */
  let emptied: readonly string[] = []
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
      const startedAt = performance.now()
      try {
        const isMine = await lease.hold()
        if (!isMine) hasWork = false
        const fed = isMine ? await feedRound(cappedBatches) : 0
        failures = 0
        if (fed === 0) await listening.wait(hasWork ? full.ms : idleMs, signal)
        await pause(startedAt + roundMs - performance.now())
      } catch (error) {
        if (signal.aborted) break
        failures += 1
        onError(error as Error)
        await pause(Math.min(2_000, 50 * 2 ** failures))
      }
    }
    // What is left undone is found by the sweeper.
    await finish(cappedBatches).catch(() => {})
    // The next feeder need not wait for the lease to end. Without Redis it ends by itself.
    await lease.release().catch(() => {})
    await publish(redis, k.changes, 'free').catch(() => {})
  }

  async function pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {})
  }

  /**
   * Returns how many items it brought into the window. A round takes three round trips: what is there, feed, write. Each lasts as long
   * as Redis needs for the commands before it, and at 2,500 items/s the workers empty a window of 500 in 100 ms.
   */
  async function feedRound(cappedBatches: CappedBatches): Promise<number> {
    await finish(cappedBatches)
    await cappedBatches.release()
    const [round, isFull] = await Promise.all([plan.next(), isMemoryFull(), feedEmptied()])
    hasWork = round.hasReady
    full = { ms: full.free === round.free ? Math.min(longestFullMs, full.ms * 2) : fullMs, free: round.free }
    if (round.portions.length === 0 || isFull) return 0
    return feed(round.portions, round.most, cappedBatches)
  }

  async function isMemoryFull(): Promise<boolean> {
    return (await memory.fraction()) > fullFraction
  }

  async function feed(portions: readonly Portion[], most: number, cappedBatches: CappedBatches): Promise<number> {
    const { jobs } = unfinished
    const errors: unknown[] = []
    unfinished.clock = portions[0]?.turn.at ?? null
    await Promise.all(
      portions.map(async ({ turn, places, first }) => {
        try {
          const fed = await ledger.feed(turn.batchId, { places, most })
          plan.fed(turn.batchId)
          setNextTurn(turn, fed)
          jobs.push(...itemJobs(turn.batchId, fed, first && fed.items.length <= frontRow))
        } catch (error) {
          errors.push(error)
        }
      }),
    )
    const count = jobs.length
    await finish(cappedBatches)
    if (errors.length > 0) throw errors[0]
    return count
  }

  function setNextTurn({ batchId, at }: Turn, { status, left, isFull, items, weight }: Feed): void {
    const next = { batchId, at: at + items.length / weight }
    if (left === 0 || status !== 'in_progress') unfinished.empty.push(batchId)
    else if (isFull) unfinished.capped.push(next)
    else unfinished.again.push(next)
  }

  /** Adds the jobs of what was fed, and writes the next turns of the batches. What fails is done before the next round. */
  async function finish(cappedBatches: CappedBatches): Promise<void> {
    const { jobs, capped, empty } = unfinished
    await Promise.all([addJobs(jobs), ready.settle(unfinished)])
    cappedBatches.add(capped)
    emptied = [...emptied, ...empty]
    unfinished = noneLeft()
  }

  async function addJobs(jobs: ItemJobToAdd[]): Promise<void> {
    if (jobs.length > 0) await queue.addBulk(jobs)
    jobs.length = 0
  }

  /** A batch may have become ready between its turn, which found nothing more to feed, and its removal. Then it gets a turn again. */
  async function feedEmptied(): Promise<void> {
    if (emptied.length === 0) return
    const feeds = await Promise.all(emptied.map(async (batchId) => ledger.feed(batchId, { places: 0, most: 0 })))
    const again = emptied.filter((_, i) => feeds[i]!.left > 0 && feeds[i]!.status === 'in_progress')
    await Promise.all(again.map((batchId) => ready.mark(batchId)))
    emptied = []
  }
}

type ItemJobToAdd = Parameters<Queue['addBulk']>[0][number]

interface Unfinished {
  readonly jobs: ItemJobToAdd[]
  clock: number | null
  readonly again: Turn[]
  readonly capped: Turn[]
  readonly empty: string[]
}

function noneLeft(): Unfinished {
  return { jobs: [], clock: null, again: [], capped: [], empty: [] }
}

/** `first`: they go to the front of the queue, in their order. */
function itemJobs(batchId: string, { label, items }: Feed, first: boolean): ItemJobToAdd[] {
  const jobs = items.map(({ index, feed }) => {
    const data = { batch_id: batchId, index, feed }
    return { name: itemJobName(label, index), data, opts: { ...itemJobOptions, lifo: first, jobId: itemJobId(data) } }
  })
  return first ? jobs.reverse() : jobs
}
