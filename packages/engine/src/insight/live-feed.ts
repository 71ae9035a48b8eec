import { isEnded } from '@sluice/contract/batch'
import { notFound } from '@sluice/contract/error'
import type { LaneView } from '@sluice/contract/lane-view'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { isBatchId, isSummaryId, summaryOfLevel } from '../batches/batch-id.ts'
import type { BatchFinder } from '../batches/find-batch.ts'
import type { LiveEvent, LiveFeed, Summaries } from '../engine.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'
import { repeat } from '../repeat.ts'
import { createChangedIds } from './changed-ids.ts'
import { createFeedReader, type FeedReader, type Subject } from './feed-reader.ts'

/** How often changes are read: at most one event for each batch in this time. */
const tickMs = 1_000
/** Batches and summaries that are read in one tick; the others follow. A batch takes Redis about 50 us. */
const batchesPerTick = 200
const summariesPerTick = 20
/** Creations and lost messages: the newest batches, and some of the active ones, are read without a message. */
const newestRead = 50
const activeRead = 100
const mostRunning = 20_000
/** Ended batches of which one command asks, each second, whether they are still there. */
const endedPerTick = 200
const mostEnded = 20_000
const mostRunningSummaries = 1_000
const lanesMs = 2_000
/** Events that are kept for slow clients, once for all of them, and their characters. */
const eventsKept = 20_000
const charactersKept = 32_000_000

export interface LiveFeedDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly changes: Changes
  readonly finder: BatchFinder
  readonly summaries: Pick<Summaries, 'glance'>
  readonly readLanes: () => Promise<readonly LaneView[]>
  readonly onError: (error: Error) => void
}

/**
 * What changes in all batches, lanes and summaries, read once for all clients of this process. It reads only while there is a client,
 * and a bounded number of batches in a second, however many change.
 */
export function createLiveFeed(dependencies: LiveFeedDependencies): LiveFeed {
  const { redis, keys, changes, finder, summaries, readLanes, onError } = dependencies
  const readers = new Set<FeedReader>()
  let reading: Promise<Reading> | undefined

  return {
    async open(batchId, { signal }) {
      if (batchId !== null && (await finder.find(batchId)) === null) throw notFound('batch', batchId)
      const reader = createFeedReader(batchId)
      readers.add(reader)
      signal.addEventListener('abort', () => leave(reader), { once: true })
      try {
        reading ??= startReading()
        const { join, newest } = await reading
        join(reader)
        if (signal.aborted) leave(reader)
        return reader.events(newest, signal)
      } catch (error) {
        leave(reader)
        throw error
      }
    },
  }

  function leave(reader: FeedReader): void {
    readers.delete(reader)
    if (readers.size > 0 || reading === undefined) return
    const last = reading
    reading = undefined
    last.then((it) => it.stop()).catch(onError)
  }

  async function startReading(): Promise<Reading> {
    const state = createReading()
    await using stack = new AsyncDisposableStack()
    for (const pattern of keys.allChanges) stack.use(await changes.subscribeAll(pattern, state.onMessage))
    const ticking = repeat(state.tick, { everyMs: tickMs, first: 'at-once', onError })
    const subscriptions = stack.move()
    return {
      ...state,
      async stop() {
        await ticking.stop()
        await subscriptions.disposeAsync()
      },
    }
  }

  function createReading() {
    const latest = new LRUCache<Subject, LiveEvent>({
      max: eventsKept,
      maxSize: charactersKept,
      sizeCalculation: ({ json }) => json.length,
    })
    const changed = { batches: createChangedIds(), summaries: createChangedIds() }
    const lanes = new Set<Subject>()
    /** Shown as not ended, those first whose last reading is longest ago: messages may be lost, and in a cluster they do not come here. */
    const running = new Set<string>()
    const runningSummaries = new Set<string>()
    /** Shown as ended, in the order in which it is asked whether they were deleted. */
    const ended = new Set<string>()
    let lanesAt = 0
    let cursor = '0'

    return {
      newest: (subject: Subject) => latest.get(subject),
      join(reader: FeedReader) {
        for (const subject of lanes) reader.changed(subject)
        if (reader.batchId === null) return
        if (latest.has(`batch ${reader.batchId}`)) reader.changed(`batch ${reader.batchId}`)
        changed.batches.add(reader.batchId)
      },
      onMessage: (channel: string) => {
        const id = channel.slice(channel.indexOf('{') + 1, channel.indexOf('}'))
        const summary = isSummaryId(id) ? id : summaryOfLevel(id)
        if (summary !== null) changed.summaries.add(summary)
        if (isBatchId(id)) changed.batches.add(id)
      },
      tick: async () => {
        await Promise.all([tickLanes(), tickBatches(), tickSummaries()])
      },
    }

    async function tickLanes(): Promise<void> {
      if (Date.now() - lanesAt < lanesMs) return
      lanesAt = Date.now()
      for (const lane of await readLanes()) {
        lanes.add(`lane ${lane.name}`)
        publish(`lane ${lane.name}`, { name: 'lane', json: JSON.stringify(lane) })
      }
    }

    async function tickBatches(): Promise<void> {
      for (const id of await redis.zrevrange(keys.allBatches, 0, newestRead - 1)) {
        if (!latest.has(`batch ${id}`)) changed.batches.add(id)
      }
      for (const id of await deletedOnes()) changed.batches.add(id)
      const [next, active] = await redis.sscan(keys.activeBatches, cursor, 'COUNT', activeRead)
      cursor = next
      const asked = new Set([...readers].flatMap(({ batchId }) => batchId ?? []))
      const ids = new Set(changed.batches.take(batchesPerTick, asked))
      for (const id of [...active, ...running]) if (ids.size < batchesPerTick) ids.add(id)
      await Promise.all([...ids].map(readBatch))
    }

    async function deletedOnes(): Promise<string[]> {
      const asked = [...ended].slice(0, endedPerTick)
      if (asked.length === 0) return []
      const scores = await redis.zmscore(keys.allBatches, ...asked)
      for (const id of asked) if (ended.delete(id)) ended.add(id)
      return asked.filter((_, i) => scores[i] === null)
    }

    async function tickSummaries(): Promise<void> {
      const ids = new Set(changed.summaries.take(summariesPerTick))
      for (const id of runningSummaries) if (ids.size < summariesPerTick) ids.add(id)
      await Promise.all([...ids].map(readSummary))
    }

    async function readBatch(id: string): Promise<void> {
      const batch = await finder.find(id)
      running.delete(id)
      ended.delete(id)
      if (batch === null) return void publish(`batch ${id}`, gone('batch', id))
      const [known, most] = isEnded(batch.status) ? [ended, mostEnded] : [running, mostRunning]
      if (known.size < most) known.add(id)
      const isNew = publish(`batch ${id}`, { name: 'batch', json: JSON.stringify(batch) })
      const summary = isNew ? summaryOfLevel(id) : null
      if (summary !== null) changed.summaries.add(summary)
    }

    async function readSummary(id: string): Promise<void> {
      const summary = await summaries.glance(id)
      runningSummaries.delete(id)
      if (summary === null) return void publish(`summary ${id}`, gone('summary', id))
      const isRunning = summary.status === 'in_progress' || summary.status === 'paused'
      if (isRunning && runningSummaries.size < mostRunningSummaries) runningSummaries.add(id)
      publish(`summary ${id}`, { name: 'summary', json: JSON.stringify(summary) })
    }

    /** False if the clients have it already. */
    function publish(subject: Subject, event: LiveEvent): boolean {
      if (latest.get(subject)?.json === event.json) return false
      latest.set(subject, event)
      const [kind, id] = subject.split(' ')
      for (const reader of readers) {
        if (reader.batchId === null || kind === 'lane' || reader.batchId === id) reader.changed(subject)
      }
      return true
    }
  }
}

function gone(object: 'batch' | 'summary', id: string): LiveEvent {
  return { name: 'gone', json: JSON.stringify({ object, id }) }
}

interface Reading {
  readonly newest: (subject: Subject) => LiveEvent | undefined
  /** A new client gets the lanes, and the batch that it asked for, at once. */
  readonly join: (reader: FeedReader) => void
  readonly stop: () => Promise<void>
}
