import type { FailureType } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import { throwFailure } from '../redis/refusal.ts'
import type { BatchKeys } from '../redis/keys.ts'
import { readBatchMeta } from './batch-meta.ts'
import type { FailureGroup } from './failure-group.ts'

interface FailureSample {
  readonly index: number
  readonly id: string
  readonly message: string
}

interface CountedGroup extends FailureGroup {
  readonly count: number
  /** The failure that was recorded last; null after it was retried. */
  readonly sample: FailureSample | null
}

interface FailureGroups {
  /** The largest first. */
  readonly groups: readonly CountedGroup[]
  /** Failures that are in none of them. */
  readonly others: number
}

const mostSampleMessage = 1_000

/** What `record` stores of a group and of a failure in it. */
export function packGroup(group: FailureGroup, sample: { readonly id: string; readonly message: string }) {
  const { id, ...info } = group
  const { id: itemId, message } = sample
  return {
    group: id,
    groupInfo: JSON.stringify(info),
    groupSample: JSON.stringify({ id: itemId, message: message.slice(0, mostSampleMessage) }),
  }
}

/** For a result that is not a failure. */
export const noGroup = { group: '', groupInfo: '', groupSample: '' } as const

/** All groups of a batch; null if there is no such batch. Counted almost in the same step: a full Redis rejects a transaction of reads. */
export async function readFailureGroups(redis: Redis, keys: BatchKeys): Promise<FailureGroups | null> {
  const replies = await redis.pipeline().hmget(keys.meta, 'status', 'failed').hgetall(keys.groups).exec()
  throwFailure(replies)
  const [[, failed], [, fields]] = replies as [[null, [string | null, string | null]], [null, Record<string, string>]]
  if (failed[0] === null || failed[0] === 'staging') return null
  const groups = Object.entries(fields).flatMap(([id, count]) => {
    const info = fields[`info ${id}`]
    if (info === undefined) return []
    const parsed = JSON.parse(info) as Omit<FailureGroup, 'id'>
    return [{ id, ...parsed, count: Number(count), sample: parseSample(fields[`sample ${id}`]) }]
  })
  groups.sort((a, b) => b.count - a.count || a.id.localeCompare(b.id))
  const counted = groups.reduce((sum, { count }) => sum + count, 0)
  return { groups, others: Math.max(0, Number(failed[1] ?? 0) - counted) }
}

function parseSample(stored: string | undefined): FailureSample | null {
  if (stored === undefined) return null
  const bar = stored.indexOf('|')
  const { id, message } = JSON.parse(stored.slice(bar + 1)) as { id: string; message: string }
  return { index: Number(stored.slice(0, bar)), id, message }
}

/**
 * How many failures a retry would take back, where the counts say it; null where it must read them. Without a selection: all of them.
 */
export async function countFailures(
  redis: Redis,
  keys: BatchKeys,
  { error_type: type, error_group: group, items }: RetrySelection,
): Promise<number | null> {
  if (items !== undefined) return null
  if (type === undefined && group === undefined) return (await readBatchMeta(redis, keys, 'failed'))?.failed ?? 0
  const read = await readFailureGroups(redis, keys)
  if (read === null) return 0
  // A type alone may be that of failures without a group, too.
  if (group === undefined && read.others > 0) return null
  return read.groups
    .filter((one) => (group ?? one.id) === one.id && (type ?? one.type) === one.type)
    .reduce((sum, { count }) => sum + count, 0)
}

export interface RetrySelection {
  readonly error_type?: FailureType | undefined
  readonly error_group?: string | undefined
  readonly items?: readonly string[] | undefined
}
