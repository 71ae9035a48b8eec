import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { itemJobId, itemJobName, itemJobOptions } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'

/** An item that has been in the window for less is not checked. */
const openForMs = 15_000
const batchesKept = 1_000

export interface RepairOpenDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly queueOf: (lane: string) => Queue | undefined
}

/**
 * Adds the jobs of items that are in the window but have none: the feeder died between two steps, a failover lost the job, or it rolled
 * the ledger back to before a job that had ended. After the first check of a batch, only items that were in the window at the previous
 * check, too, are checked, so most calls end without ever being checked. Returns how many jobs were added.
 */
export function createRepairOpen({ redis, keys, queueOf }: RepairOpenDependencies) {
  const looks = new LRUCache<string, { readonly at: number; readonly open: ReadonlyMap<string, string> }>({
    max: batchesKept,
  })

  return async (
    batchId: string,
    { lane, label }: { readonly lane: string; readonly label: string },
  ): Promise<number> => {
    const last = looks.get(batchId)
    if (last !== undefined && performance.now() - last.at < openForMs) return 0
    const queue = queueOf(lane)
    if (queue === undefined) return 0
    const open = new Map<string, string>()
    const suspects: [index: string, feed: string][] = []
    for await (const page of redis.hscanStream(keys.batch(batchId).open, { count: 500 })) {
      const flat = page as string[]
      for (let i = 0; i < flat.length; i += 2) {
        const [index = '', feed = ''] = flat.slice(i, i + 2)
        if (last === undefined || last.open.get(index) === feed) suspects.push([index, feed])
        open.set(index, feed)
      }
    }
    looks.set(batchId, { at: performance.now(), open })
    let added = 0
    for (const [index, feed] of suspects) {
      const data = { batch_id: batchId, index: Number(index), feed: Number(feed) }
      const jobId = itemJobId(data)
      const [addedAt, finishedOn] = await redis.hmget(queue.toKey(jobId), 'timestamp', 'finishedOn')
      if (addedAt && !finishedOn) continue
      // The id of a job that has ended would make the new one a duplicate.
      if (finishedOn) await queue.remove(jobId)
      await queue.add(itemJobName(label, data.index), data, { ...itemJobOptions, jobId })
      added += 1
    }
    return added
  }
}
