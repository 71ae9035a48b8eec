import { createHash } from 'node:crypto'
import { SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'
import { loadScript } from './lua.ts'

const releaseKey = loadScript(new URL('release-key.lua', import.meta.url))

/** While its batch is being made; renewed as it grows, so that a maker that died frees the key soon. */
const pendingMs = 60_000
const keptMs = 7 * 86_400_000

export interface IdempotencyClaim {
  readonly key: string
  /** Of the request: the same key with another fingerprint is a mistake of the caller. */
  readonly fingerprint: string
}

export interface Holder {
  readonly batchId: string
  /** It was stored whole once; else it is being made, or its maker died within the last minute. */
  readonly settled: boolean
}

export interface Idempotency {
  /** Takes the key for `batchId`, or resolves to who has it. Throws `idempotency_key_reused`. */
  claim(claim: IdempotencyClaim, batchId: string): Promise<Holder | null>
  /** The batch is being made. */
  renew(claim: IdempotencyClaim, batchId: string): Promise<void>
  /** The batch is stored: the key is its for 7 days. */
  settle(claim: IdempotencyClaim, batchId: string): Promise<void>
  /** The batch is not there (any more): the key is free, if it was still the batch's. */
  release(claim: IdempotencyClaim, batchId: string): Promise<void>
}

export function createIdempotency(redis: Redis, keys: Keys): Idempotency {
  const nameOf = ({ key }: IdempotencyClaim) => keys.idempotency(createHash('sha256').update(key).digest('hex'))
  const pending = ({ fingerprint }: IdempotencyClaim, batchId: string) => `${batchId} ${fingerprint}`
  const settled = ({ fingerprint }: IdempotencyClaim, batchId: string) => `${batchId} ${fingerprint} settled`

  return {
    async claim(claim, batchId) {
      const held = await redis.set(nameOf(claim), pending(claim, batchId), 'PX', pendingMs, 'NX', 'GET')
      if (held === null) return null
      const [heldBy = '', fingerprint, state] = held.split(' ')
      if (fingerprint === claim.fingerprint) return { batchId: heldBy, settled: state === 'settled' }
      throw new SluiceError(
        'conflict_error',
        'idempotency_key_reused',
        'This Idempotency-Key was used with another request: use a new key.',
        { param: 'Idempotency-Key' },
      )
    },
    async renew(claim, batchId) {
      await redis.set(nameOf(claim), pending(claim, batchId), 'PX', pendingMs)
    },
    async settle(claim, batchId) {
      await redis.set(nameOf(claim), settled(claim, batchId), 'PX', keptMs)
    },
    async release(claim, batchId) {
      await releaseKey(redis, [nameOf(claim)], [pending(claim, batchId), settled(claim, batchId)])
    },
  }
}

/** For a request whose key is held by one that has stored nothing yet. */
export function idempotencyInProgress(): SluiceError {
  return new SluiceError(
    'conflict_error',
    'idempotency_in_progress',
    'A request with this Idempotency-Key is under way: try again shortly.',
    { param: 'Idempotency-Key', retryAfterS: 1 },
  )
}
