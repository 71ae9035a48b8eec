import {
  type BatchOptions,
  batchOptions,
  type BatchStatus,
  type PatchBatch,
  type Skipped,
} from '@sluice/contract/batch'
import type { Extractor } from '@sluice/contract/extractor'
import { type RequestTask, type TaskDefinition, taskLabel } from '@sluice/contract/request-task'
import type { Redis } from 'ioredis'
import { type BatchKeys, itemsPerShard } from '../redis/keys.ts'

/**
 * The batch hash: every field, its type and its meaning. Only this file packs and parses it in TypeScript; the ledger's Lua steps
 * use the same names. It is in this folder, below items and lanes, because they read it, too.
 */

/** How a value is stored. An empty or missing field stands for `absent`. */
interface Field<Value> {
  readonly pack: (value: Value) => string
  readonly parse: (text: string) => Value
  readonly absent: Value
}

const text: Field<string> = { pack: (value) => value, parse: (value) => value, absent: '' }
const count: Field<number> = { pack: String, parse: Number, absent: 0 }
const optionalNumber: Field<number | null> = {
  pack: (value) => (value === null ? '' : String(value)),
  parse: Number,
  absent: null,
}
/** Unix ms. */
const time = optionalNumber
const flag: Field<boolean> = { pack: (value) => (value ? '1' : ''), parse: (value) => value === '1', absent: false }
const rate: Field<number> = { pack: (value) => value.toFixed(4), parse: Number, absent: 0 }
function json<Value>(absent: Value): Field<Value> {
  return {
    pack: (value) => JSON.stringify(value) ?? '',
    parse: (value) => JSON.parse(value) as Value,
    absent,
  }
}

/** `staging`: its items are being stored; no caller can see it. */
type StoredStatus = BatchStatus | 'staging'

const ownFields = {
  /** Set by the ledger's steps only, once the batch is sealed. */
  status: text as Field<StoredStatus>,
  /** Why it is paused (see pause-reason.ts); empty if it is not. */
  pause_reason: text,
  /** Null for a batch of raw requests. */
  extractor: json<Extractor | null>(null),
  /** Null for a batch of texts. */
  request: json<RequestTask | null>(null),
  /** The task as users see it: `person@3`, `inline`, `request /v1/embeddings`, or `summary`. */
  label: text,
  lane: text,
  /** The summary that this batch is a level of; empty for a user's own batch. */
  summary: text,
  created_at: time,
  started_at: time,
  finished_at: time,
  /** When a retry last returned items: the sweeper must not treat the batch as ended meanwhile. */
  retrying_at: time,
  /** When its items last began to wait, if that is later than created_at: `wait_s` counts from here. */
  waiting_since: time,
  /** It runs the lines of a file, and the files with its results show it: only `file-batches` may end it, and nobody retries it. */
  from_file: flag,
  /** How long it is kept after its end; null: as long as configured for all. Never longer than that. */
  kept_ms: optionalNumber,
  /** It has no job of its own: one text, for whose result a request waits. */
  direct: flag,
  /** The lines that the upload left out. */
  skipped: json<Skipped | null>(null),

  /** Items it has. While they are staged: a number in the range of its last shard, or less. */
  total: count,
  /** Its keys have a part for each range of so many items (`shardKey`). 0: one part; an earlier version began it. */
  items_per_shard: count,
  /** The shard of `done` that gets the next result. */
  done_shard: count,
  /** The index of the first item that was never in the window. */
  next: count,
  /** The last feed number that was given. */
  feeds: count,
  /** Counts the times it started; each round has its own job. */
  round: count,
  succeeded: count,
  failed: count,

  /** Paid calls. */
  calls: count,
  /** Calls that repeat a call which may have been paid. */
  repeated_calls: count,
  input_tokens: count,
  /** The part of input_tokens that the provider had cached. */
  cached_input_tokens: count,
  output_tokens: count,
  cost_nano_usd: count,
  /** Upper estimate for calls in flight and for calls whose end is unknown; counts towards max_cost_nano_usd. */
  expected_nano_usd: count,
  /** Items answered by another item of the batch with the same text. */
  deduplicated: count,
  /** Items answered from the cache of answers. */
  cached: count,
  /** When readers last got a message about its progress, by the clock of Redis. */
  published_at: time,
  /** When a report last found more items done, and how many were done then. */
  progress_at: time,
  progress_done: count,
  /** Items per second: the median of recent rates. */
  rate_p50: rate,
  /** Items per second: the slowest tenth of recent rates. */
  rate_p10: rate,

  /** Ms between its samples, and when the last one was taken. */
  sample_ms: count,
  sampled_at: time,

  /** Options that Lua steps compute with, or that are stored in another unit. */
  concurrency: optionalNumber,
  priority: count,
  max_cost_nano_usd: optionalNumber,
  deduplicate: flag,
  cache_ms: optionalNumber,
}

type OwnOption = 'concurrency' | 'priority' | 'max_cost_usd' | 'deduplicate' | 'cache_s'
const ownOptions: ReadonlySet<string> = new Set<OwnOption>([
  'concurrency',
  'priority',
  'max_cost_usd',
  'deduplicate',
  'cache_s',
])

/** Every other option of the contract, as JSON under its own name: a new option needs no line here. */
const jsonOptions = Object.fromEntries(
  Object.entries(batchOptions.shape)
    .filter(([name]) => !ownOptions.has(name))
    .map(([name, option]) => [name, json(option.parse(undefined))]),
) as { [Name in Exclude<keyof BatchOptions, OwnOption>]-?: Field<BatchOptions[Name]> }

const fields = {
  ...ownFields,
  // Does not compile if an option has the name of another field.
  ...(jsonOptions satisfies Record<string, unknown> & { [Name in keyof typeof ownFields]?: never }),
}

export type BatchMeta = {
  readonly [Name in keyof typeof fields]: (typeof fields)[Name] extends Field<infer Value> ? Value : never
}
type FieldName = keyof BatchMeta
type Packed = Readonly<Record<string, string>>

export type BatchFields = { readonly [Name in FieldName]?: BatchMeta[Name] | undefined }

/** The given fields as Redis stores them. */
export function packBatchMeta(values: BatchFields): Packed {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, (fields[name as FieldName] as Field<unknown>).pack(value)]),
  )
}

/** All fields; null if there is no such batch. */
export function parseBatchMeta(stored: Packed): BatchMeta | null {
  return stored['status'] ? (parseFields(Object.keys(fields), (name) => stored[name]) as BatchMeta) : null
}

interface FieldSelection<Name extends FieldName> {
  /** For HMGET. */
  readonly names: readonly string[]
  /** What HMGET returned for `names`; null if there is no such batch. */
  readonly parse: (values: readonly (string | null)[]) => Pick<BatchMeta, Name | 'status'> | null
}

/** The status, which every batch has, and the given fields. */
export function selectFields<const Name extends FieldName>(...chosen: readonly Name[]): FieldSelection<Name> {
  const names = ['status', ...chosen]
  return {
    names,
    parse: (values) => {
      if (!values[0]) return null
      return parseFields(names, (_, at) => values[at]) as Pick<BatchMeta, Name | 'status'>
    },
  }
}

/** The status and the given fields of a batch; null if there is no such batch. */
export async function readBatchMeta<const Name extends FieldName>(
  redis: Redis,
  { meta }: Pick<BatchKeys, 'meta'>,
  ...chosen: readonly Name[]
): Promise<Pick<BatchMeta, Name | 'status'> | null> {
  const { names, parse } = selectFields(...chosen)
  return parse(await redis.hmget(meta, ...names))
}

function parseFields(names: readonly string[], valueOf: (name: string, at: number) => string | null | undefined) {
  return Object.fromEntries(
    names.map((name, at) => {
      const { parse, absent } = fields[name as FieldName] as Field<unknown>
      const value = valueOf(name, at)
      return [name, value ? parse(value) : absent]
    }),
  )
}

/** A batch before its first item. */
export function newBatchMeta(task: TaskDefinition, options: BatchOptions): BatchFields {
  const { concurrency, priority, max_cost_usd, deduplicate, cache_s, ...others } = options
  return {
    status: 'staging',
    pause_reason: '',
    ...(task.object === 'request' ? { request: task } : { extractor: task }),
    label: taskLabel(task),
    lane: task.lane,
    total: 0,
    items_per_shard: itemsPerShard,
    next: 0,
    feeds: 0,
    round: 1,
    succeeded: 0,
    failed: 0,
    started_at: null,
    finished_at: null,
    concurrency: concurrency ?? null,
    priority,
    max_cost_nano_usd: toNanoUsd(max_cost_usd),
    deduplicate: deduplicate ?? false,
    cache_ms: cache_s === undefined ? null : Math.round(cache_s * 1000),
    ...others,
  }
}

/** The fields that a patch changes; null removes a limit. */
export function patchedFields({ concurrency, priority, max_cost_usd }: PatchBatch): BatchFields {
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(priority === undefined ? {} : { priority }),
    ...(max_cost_usd === undefined ? {} : { max_cost_nano_usd: toNanoUsd(max_cost_usd) }),
  }
}

function toNanoUsd(usd: number | null | undefined): number | null {
  return usd === null || usd === undefined ? null : Math.round(usd * 1e9)
}

/** What running an item needs to know of its batch: the same for all its items, and never changed. */
export interface Recipe {
  readonly task: TaskDefinition
  readonly options: Omit<BatchOptions, 'metadata' | 'concurrency' | 'priority' | 'max_cost_usd'>
  /** A text that is longer than the lane's context is split into parts. Not for a summary, which is split by the API. */
  readonly cutsTexts: boolean
}

/** Null if there is no such batch. */
export async function readRecipe(redis: Redis, keys: Pick<BatchKeys, 'meta'>): Promise<Recipe | null> {
  const { metadata: _, ...names } = jsonOptions
  const meta = await readBatchMeta(
    redis,
    keys,
    'extractor',
    'request',
    'summary',
    'deduplicate',
    'cache_ms',
    ...(Object.keys(names) as (keyof typeof names)[]),
  )
  const task = meta?.extractor ?? meta?.request ?? null
  if (meta === null || task === null) return null
  const {
    status: _status,
    extractor: _extractor,
    request: _request,
    summary,
    deduplicate,
    cache_ms: cacheMs,
    ...others
  } = meta
  const options = { deduplicate, ...(cacheMs === null ? {} : { cache_s: cacheMs / 1000 }), ...others }
  return { task, options, cutsTexts: summary === '' }
}
