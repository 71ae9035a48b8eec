import type { JobsOptions } from 'bullmq'
import { z } from 'zod'

/** The catalogue of job kinds: what each carries and how it is kept. Jobs hold references only; texts and results are in the ledger. */

export const itemJob = z.strictObject({ batch_id: z.string(), index: z.int(), feed: z.int() })
export type ItemJob = z.infer<typeof itemJob>

/** Unique for each time an item is put in the window, so that adding it again is harmless. BullMQ allows no plain number and no `:`. */
export function itemJobId(job: ItemJob): string {
  return `${job.batch_id}.${job.index}.${job.feed}`
}

export const itemJobOptions: JobsOptions = {
  // Our own budgets decide when an item has failed; BullMQ only ever retries.
  attempts: 1_000_000,
  backoff: { type: 'custom' },
  stackTraceLimit: 1,
  removeOnComplete: { count: 200, age: 3_600 },
  removeOnFail: { count: 1_000, age: 7 * 86_400 },
}

export const batchJob = z.object({ batch_id: z.string(), extractor: z.string(), lane: z.string() })
/** `counts` and `rate` are for the eye: Bull Board shows a job's data. */
export type BatchJob = z.infer<typeof batchJob> & { counts?: object; items_per_second?: number }

export function batchJobId(batchId: string, round: string): string {
  return `${batchId}.${round}`
}

/** Of a job that stands for a whole batch or summary. */
export const supervisorJobOptions: JobsOptions = {
  attempts: 1_000_000,
  backoff: { type: 'fixed', delay: 1_000 },
  stackTraceLimit: 1,
  removeOnComplete: { count: 1_000, age: 7 * 86_400 },
  removeOnFail: { count: 1_000, age: 7 * 86_400 },
}

/**
 * A process that dies is replaced within lock + scan = 8 s; meanwhile the lanes' workers live on what is in the window.
 * Shorter than for items because such a job may run twice without harm and costs nothing.
 */
const lockMs = 5_000
export const supervisorTimes = {
  lockDuration: lockMs,
  lockRenewTime: lockMs / 2,
  stalledInterval: 3_000,
  maxStalledCount: 1_000_000,
  runRetryDelay: 1_000,
} as const

export function batchJobName(label: string, total: number): string {
  return `${label} · ${total.toLocaleString('en')} ${total === 1 ? 'item' : 'items'}`
}

export const summaryJob = z.object({ summary_id: z.string() })
/** `level` and `counts` are for the eye. */
export type SummaryJob = z.infer<typeof summaryJob> & { level?: number; counts?: object }

export function summaryJobId(summaryId: string, round: string): string {
  return `${summaryId}.${round}`
}

export function summaryJobName(chunks: number): string {
  return `summary · ${chunks.toLocaleString('en')} ${chunks === 1 ? 'chunk' : 'chunks'}`
}

export function laneQueueName(lane: string): string {
  return `lane-${lane}`
}

export const batchesQueueName = 'batches'
export const summariesQueueName = 'summaries'
