import { parse } from '@sluice/contract/parse'
import type { JobsOptions } from 'bullmq'
import { z } from 'zod'

/**
 * The catalogue of job kinds: the data of each, its id, its name in Bull Board, and how long BullMQ keeps it. Jobs hold references only:
 * texts are in the batch's blocks, results in the ledger.
 */

const itemJob = z.strictObject({
  batch_id: z.string(),
  index: z.int(),
  feed: z.int(),
  /** Format of the job; 1 where it is missing. */
  v: z.literal(1).optional(),
})
type ItemJob = z.infer<typeof itemJob>

/** The data of an item's job; null when a newer version wrote it, which this one must leave to newer workers. Throws if it is malformed. */
export function readItemJob(data: unknown): ItemJob | null {
  const parsed = itemJob.safeParse(data)
  if (parsed.success) return parsed.data
  const isNewer = parsed.error.issues.every(({ code, path }) => code === 'unrecognized_keys' || path[0] === 'v')
  return isNewer ? null : parse(itemJob, data)
}

export function itemJobName(label: string, index: number): string {
  return `${label} · item ${index}`
}

/** Unique for each time the item is fed, so that adding the job again does nothing. BullMQ rejects plain numbers and `:`. */
export function itemJobId(job: ItemJob): string {
  return `${job.batch_id}.${job.index}.${job.feed}`
}

export const itemJobOptions: JobsOptions = {
  // The item's own budgets decide when it has failed; BullMQ always retries.
  attempts: 1_000_000,
  backoff: { type: 'custom' },
  stackTraceLimit: 1,
  // The result is in the ledger. Keeping the job as well took 45 us of CPU per item.
  removeOnComplete: true,
  removeOnFail: { count: 1_000, age: 7 * 86_400 },
}

export const batchJob = z.object({ batch_id: z.string(), extractor: z.string(), lane: z.string() })
/** `counts` and `items_per_second` are only shown: Bull Board displays a job's data. */
export type BatchJob = z.infer<typeof batchJob> & { counts?: object; items_per_second?: number }

export function batchJobId(batchId: string, round: string): string {
  return `${batchId}.${round}`
}

/** For the one job of a batch or summary. */
export const supervisorJobOptions: JobsOptions = {
  attempts: 1_000_000,
  backoff: { type: 'fixed', delay: 1_000 },
  stackTraceLimit: 1,
  removeOnComplete: { count: 1_000, age: 7 * 86_400 },
  removeOnFail: { count: 1_000, age: 7 * 86_400 },
}

/**
 * The item jobs of a dead worker run again after at most lock + scan = 25 s (58.8 s with BullMQ's defaults), any number of times; those
 * of one that recovery/dead-workers.ts finds dead, within 5 s.
 * BullMQ renews the lock every half of `lockRenewTime`, so every quarter of its time.
 */
export const itemLockMs = 15_000
export const itemScanMs = 10_000

/**
 * Of the job of a summary, which takes it from level to level: another process replaces a dead one within lock + scan = 8 s. Shorter
 * than for items, because such a job may run twice without harm and makes no calls.
 */
export const summaryLock: LockTimes = { lockMs: 5_000, scanMs: 3_000 }
/** Of the job of a batch over a file. Reading the file keeps the process busy in steps of some 10 ms. */
export const fileBatchLock: LockTimes = { lockMs: 10_000, scanMs: 5_000 }
/**
 * Of the job of a batch, which only reports. On a machine with a load of 30, 200 locks of 5 s were lost as fast as they were taken, and
 * each lost one ran its job again.
 */
export const batchLock: LockTimes = { lockMs: 15_000, scanMs: 5_000 }
/** Of the job of a delivery: another process replaces a dead one within 15 s. If it runs twice, the receiver gets the event twice. */
export const webhookLock: LockTimes = { lockMs: 10_000, scanMs: 5_000 }

export interface LockTimes {
  readonly lockMs: number
  readonly scanMs: number
}

export function batchJobName(label: string, total: number): string {
  return `${label} · ${total.toLocaleString('en')} ${total === 1 ? 'item' : 'items'}`
}

export const summaryJob = z.object({ summary_id: z.string() })
/** `level` and `counts` are only shown. */
export type SummaryJob = z.infer<typeof summaryJob> & { level?: number; counts?: object }

export function summaryJobId(summaryId: string, round: string): string {
  return `${summaryId}.${round}`
}

export function summaryJobName(chunks: number): string {
  return `summary · ${chunks.toLocaleString('en')} ${chunks === 1 ? 'chunk' : 'chunks'}`
}

export const fileBatchJob = z.object({ batch_id: z.string() })
/** The others are only shown. */
export type FileBatchJob = z.infer<typeof fileBatchJob> & { endpoint?: string; status?: string }

export function fileBatchJobName(endpoint: string): string {
  return `file batch · ${endpoint}`
}

export const webhookJob = z.object({ delivery_id: z.string(), round: z.int() })
export type WebhookJob = z.infer<typeof webhookJob>

/** A delivery that is retried or was held has a new round. */
export function webhookJobId(deliveryId: string, round: number): string {
  return `${deliveryId}.${round}`
}

export function webhookJobName(type: string, subject: string): string {
  return `${type} · ${subject}`
}

export function laneQueueName(lane: string): string {
  return `lane-${lane}`
}

export const batchesQueueName = 'batches'
export const summariesQueueName = 'summaries'
export const filesQueueName = 'files'
export const webhooksQueueName = 'webhooks'
