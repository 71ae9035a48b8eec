import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghijklmnopqrstuv'

/** Ids of everything that is stored. A batch: `batch_` + 9 characters of time + 13 random ones (65 bits): ids sort by the time of their creation. */
export function createBatchId(nowMs: number): string {
  return `batch_${createUnique(nowMs)}`
}

export function createSummaryId(nowMs: number): string {
  return `summary_${createUnique(nowMs)}`
}

/** Batches and summaries are stored under keys of the same form: only the kind of the id keeps one from being taken for the other. */
export function isBatchId(id: string): boolean {
  return id.startsWith('batch_')
}

export function isSummaryId(id: string): boolean {
  return id.startsWith('summary_')
}

/** Derived from the summary id and the level, so that a step that runs twice creates one batch. */
export function levelBatchId(summaryId: string, level: number): string {
  return `${summaryId.replace('summary_', 'batch_')}-level${level}`
}

export function createFileId(nowMs: number): string {
  return `file-${createUnique(nowMs)}`
}

export function createFileUploadId(nowMs: number): string {
  return `upload_${createUnique(nowMs)}`
}

export function createFilePartId(nowMs: number): string {
  return `part_${createUnique(nowMs)}`
}

/** The summary that a batch is a level of, by its id; null: it is a user's own batch. */
export function summaryOfLevel(batchId: string): string | null {
  const [, unique] = /^batch_(.+)-level\d+$/.exec(batchId) ?? []
  return unique === undefined ? null : `summary_${unique}`
}

function createUnique(nowMs: number): string {
  const time = nowMs.toString(36).padStart(9, '0')
  const random = Array.from(randomBytes(13), (byte) => alphabet[byte % 32]).join('')
  return `${time}${random}`
}
