import { createHash } from 'node:crypto'
import { SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const releaseKey = loadScript(new URL('release-key.lua', import.meta.url))

/** While its batch is being made; renewed as it grows, so that a maker that died frees the key soon. */
const pendingMs = 60_000
const keptMs = 7 * 86_400_000

export interface IdempotencyClaim {
  readonly key: string
  /** Of the request: the same key with another fingerprint is a mistake of the caller. */
  readonly fingerprint: string
}

/** What is made under a key: a batch or a summary. */
export interface Makes<Made> {
  /** Null: it is not stored whole (yet, or any more). */
  readonly find: (id: string) => Promise<Made | null>
  /** Of the hash that exists as long as anything of it does. */
  readonly metaKey: (id: string) => string
}

/** `id` is that of a batch or a summary. */
export interface Idempotency {
  /**
   * Null: the key is `id`'s now. Else what another request has made under it. Throws `idempotency_key_reused`, and
   * `idempotency_in_progress` while the other has not stored it.
   */
  take<Made>(claim: IdempotencyClaim, id: string, makes: Makes<Made>): Promise<Made | null>
  /** It is being made. */
  renew(claim: IdempotencyClaim, id: string): Promise<void>
  /** It is stored: the key is its for 7 days. */
  settle(claim: IdempotencyClaim, id: string): Promise<void>
  /** It is not there (any more): the key is free, if it was still its. */
  release(claim: IdempotencyClaim, id: string): Promise<void>
}

interface Holder {
  readonly id: string
  /** It was stored whole once; else it is being made, or its maker died within the last minute. */
  readonly settled: boolean
}

export function createIdempotency(redis: Redis, keys: Keys): Idempotency {
  const nameOf = ({ key }: IdempotencyClaim) => keys.idempotency(createHash('sha256').update(key).digest('hex'))
  const pending = ({ fingerprint }: IdempotencyClaim, id: string) => `${id} ${fingerprint}`
  const settled = ({ fingerprint }: IdempotencyClaim, id: string) => `${id} ${fingerprint} settled`

  return {
    async take(claim, id, { find, metaKey }) {
      for (;;) {
        const holder = await hold(claim, id)
        if (holder === null) return null
        const made = await find(holder.id)
        if (made !== null) return made
        if (!holder.settled || (await redis.exists(metaKey(holder.id))) === 1) throw inProgress()
        // Deleted or expired, or its maker died and it was swept away: what is asked for now is made anew.
        await release(claim, holder.id)
      }
    },
    async renew(claim, id) {
      await redis.set(nameOf(claim), pending(claim, id), 'PX', pendingMs)
    },
    async settle(claim, id) {
      await redis.set(nameOf(claim), settled(claim, id), 'PX', keptMs)
    },
    release,
  }

  /** Takes the key, or resolves to who has it. */
  async function hold(claim: IdempotencyClaim, id: string): Promise<Holder | null> {
    const held = await redis.set(nameOf(claim), pending(claim, id), 'PX', pendingMs, 'NX', 'GET')
    if (held === null) return null
    const [heldBy = '', fingerprint, state] = held.split(' ')
    if (fingerprint === claim.fingerprint) return { id: heldBy, settled: state === 'settled' }
    throw new SluiceError(
      'conflict_error',
      'idempotency_key_reused',
      'This Idempotency-Key was used with another request: use a new key.',
      { param: 'Idempotency-Key' },
    )
  }

  async function release(claim: IdempotencyClaim, id: string): Promise<void> {
    await releaseKey(redis, { claim: nameOf(claim) }, { values: [pending(claim, id), settled(claim, id)] })
  }
}

/** For a request whose key is held by one that has stored nothing yet. */
function inProgress(): SluiceError {
  return new SluiceError(
    'conflict_error',
    'idempotency_in_progress',
    'A request with this Idempotency-Key is under way: try again shortly.',
    { param: 'Idempotency-Key', retryAfterS: 1 },
  )
}
