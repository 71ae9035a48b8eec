import type { TaskDefinition } from '@sluice/contract/request-task'
import type { Redis } from 'ioredis'
import type { NewBatch } from '../engine.ts'
import { type BatchFields, packBatchMeta } from '../ledger/batch-meta.ts'
import type { BatchKeys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import type { Block } from './blocks.ts'

const scripts = {
  appendBlock: loadScript(new URL('append-block.lua', import.meta.url)),
  seal: loadScript(new URL('seal.lua', import.meta.url)),
  note: loadScript(new URL('note.lua', import.meta.url)),
}

/**
 * Adds a block to an upload if the upload ends where the block starts.
 * `elsewhere`: it ends at another index; `closed`: it takes no more items, or does not exist.
 */
export async function appendBlock(
  redis: Redis,
  keys: BatchKeys,
  { start, end, bytes }: Block,
): Promise<'staged' | 'elsewhere' | 'closed'> {
  return (await scripts.appendBlock(redis, keys, { start, after: end, block: bytes })) as
    | 'staged'
    | 'elsewhere'
    | 'closed'
}

type Sealed = 'sealed' | 'not-staging' | 'empty' | 'incomplete'

/**
 * A staged batch begins. `not-staging`: it began before, or was removed. `incomplete`: it does not have `total` items, because another
 * process began to stage it again. Safe to run twice.
 */
export async function sealBatch(redis: Redis, keys: BatchKeys, total?: number): Promise<Sealed> {
  const args = { now: Date.now(), channel: keys.changes, expected: total ?? '' }
  return (await scripts.seal(redis, keys, args)) as Sealed
}

/** What its items are, and what is done with them. */
export function taskOf(input: NewBatch): TaskDefinition {
  return input.extractor ?? input.requests
}

/** Sets fields of the batch hash, unless the batch was removed meanwhile. `published`: readers learn of it. */
export async function noteOnBatch(
  redis: Redis,
  keys: BatchKeys,
  fields: BatchFields,
  { published }: { readonly published: boolean } = { published: false },
): Promise<'noted' | 'gone'> {
  const args = { channel: published ? keys.changes : '', fields: Object.entries(packBatchMeta(fields)).flat() }
  return (await scripts.note(redis, keys, args)) === 1 ? 'noted' : 'gone'
}
