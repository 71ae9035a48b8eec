import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { batchesQueueName, filesQueueName, laneQueueName, summariesQueueName, webhooksQueueName } from './jobs.ts'
import type { Keys } from '../redis/keys.ts'

/** BullMQ keeps 10,000 events per queue by default. Sluice reads none of them. */
const eventsKept = 1_000

export interface Queues extends AsyncDisposable {
  batches(): Queue
  summaries(): Queue
  files(): Queue
  webhooks(): Queue
  lane(name: string): Queue
}

export interface QueuesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly onError: (error: Error) => void
}

/** Opens BullMQ's queues on one connection, each under a prefix that keeps its keys in one cluster slot. */
export function createQueues({ redis, keys, onError }: QueuesDependencies): Queues {
  const opened: Queue[] = []
  const open = (name: string, prefix: string) => {
    const queue = new Queue(name, { connection: redis, prefix, streams: { events: { maxLen: eventsKept } } })
    queue.on('error', onError)
    opened.push(queue)
    return queue
  }
  return {
    batches: () => open(batchesQueueName, keys.batchesQueuePrefix),
    summaries: () => open(summariesQueueName, keys.summariesQueuePrefix),
    files: () => open(filesQueueName, keys.filesQueuePrefix),
    webhooks: () => open(webhooksQueueName, keys.webhooksQueuePrefix),
    lane: (name) => open(laneQueueName(name), keys.laneQueuePrefix(name)),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((queue) => queue.close()))
    },
  }
}
