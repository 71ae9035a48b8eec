import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { summaryJobId, summaryJobName, supervisorJobOptions } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'

export type StartSummary = (summaryId: string) => Promise<void>

/** Puts the job that takes a summary through its levels in the `summaries` queue. Adding it again does nothing. */
export function createStartSummary(redis: Redis, keys: Keys, summaries: Queue): StartSummary {
  return async (summaryId) => {
    const [chunks, round] = await redis.hmget(keys.summary(summaryId).meta, 'chunks', 'round')
    if (!round) return
    await summaries.add(
      summaryJobName(Number(chunks)),
      { summary_id: summaryId },
      { ...supervisorJobOptions, jobId: summaryJobId(summaryId, round) },
    )
  }
}
