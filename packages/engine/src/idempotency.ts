import { createHash } from 'node:crypto'
import { SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'

/** While its batch is being made; renewed as it grows, so that a maker that died frees the key soon. */
const pendingMs = 60_000
const keptMs = 7 * 86_400_000

export interface IdempotencyClaim {
  readonly key: string
  /** Of the request: the same key with another fingerprint is a mistake of the caller. */
  readonly fingerprint: string
}

export interface Idempotency {
  /** Takes the key for `batchId`, or resolves to the id of the batch that has it. Throws `idempotency_key_reused`. */
  claim(claim: IdempotencyClaim, batchId: string): Promise<string | null>
  renew(claim: IdempotencyClaim, batchId: string): Promise<void>
  settle(claim: IdempotencyClaim, batchId: string): Promise<void>
  release(claim: IdempotencyClaim): Promise<void>
}

export function createIdempotency(redis: Redis, keys: Keys): Idempotency {
  const nameOf = ({ key }: IdempotencyClaim) => keys.idempotency(createHash('sha256').update(key).digest('hex'))
  const valueOf = ({ fingerprint }: IdempotencyClaim, batchId: string) => `${batchId} ${fingerprint}`

  return {
    async claim(claim, batchId) {
      const held = await redis.set(nameOf(claim), valueOf(claim, batchId), 'PX', pendingMs, 'NX', 'GET')
      if (held === null) return null
      const [heldBy = '', fingerprint] = held.split(' ')
      if (fingerprint === claim.fingerprint) return heldBy
      throw new SluiceError(
        'conflict_error',
        'idempotency_key_reused',
        'This Idempotency-Key was used with another request: use a new key.',
        { param: 'Idempotency-Key' },
      )
    },
    async renew(claim, batchId) {
      await redis.set(nameOf(claim), valueOf(claim, batchId), 'PX', pendingMs)
    },
    async settle(claim, batchId) {
      await redis.set(nameOf(claim), valueOf(claim, batchId), 'PX', keptMs)
    },
    async release(claim) {
      await redis.del(nameOf(claim))
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
