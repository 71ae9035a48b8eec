import { createHash } from 'node:crypto'
import { SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const releaseKey = loadScript(new URL('release-key.lua', import.meta.url))

/** How long a key is held while its batch is being created. Renewed meanwhile, so that the key of a dead process is soon free. */
const pendingMs = 60_000
const keptMs = 7 * 86_400_000

interface IdempotencyClaim {
  readonly key: string
  /** Identifies the request: the same key with another fingerprint is a mistake of the caller. */
  readonly fingerprint: string
}

/** Where the resources of a key are stored: batches or summaries. */
interface ResourceStore<Resource> {
  /** Null if the resource is not completely stored, or was removed. */
  readonly find: (id: string) => Promise<Resource | null>
  /** The key of the hash that exists as long as any part of the resource does. */
  readonly metaKey: (id: string) => string
  /** Completes a resource of which everything is stored and that holds its key, but whose process died, or was refused, before it began. */
  readonly finish?: (id: string) => Promise<void>
}

/** Ensures that requests with the same key create one resource. `id` is that of a batch or a summary. */
export interface Idempotency {
  /**
   * Takes the key for `id` and resolves to null, or resolves to the resource that an earlier request created under the key.
   * Throws `idempotency_key_reused`, and `idempotency_in_progress` while the other request has not stored its resource.
   */
  take<Resource>(claim: IdempotencyClaim, id: string, store: ResourceStore<Resource>): Promise<Resource | null>
  /** The resource is still being created. */
  renew(claim: IdempotencyClaim, id: string): Promise<void>
  /** The resource is stored: it keeps the key for 7 days. */
  settle(claim: IdempotencyClaim, id: string): Promise<void>
  /** The resource does not exist: frees the key, if the resource still had it. */
  release(claim: IdempotencyClaim, id: string): Promise<void>
}

interface Holder {
  readonly id: string
  /** It was completely stored once. Otherwise it is being created, or the process died within the last minute. */
  readonly settled: boolean
}

export function createIdempotency({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): Idempotency {
  const nameOf = ({ key }: IdempotencyClaim) => keys.idempotency(createHash('sha256').update(key).digest('hex'))
  const pending = ({ fingerprint }: IdempotencyClaim, id: string) => `${id} ${fingerprint}`
  const settled = ({ fingerprint }: IdempotencyClaim, id: string) => `${id} ${fingerprint} settled`

  return {
    async take(claim, id, { find, metaKey, finish }) {
      for (;;) {
        const holder = await hold(claim, id)
        if (holder === null) return null
        const resource = await find(holder.id)
        if (resource !== null) return resource
        if (holder.settled && finish !== undefined) {
          await finish(holder.id)
          const finished = await find(holder.id)
          if (finished !== null) return finished
        }
        if (!holder.settled || (await redis.exists(metaKey(holder.id))) === 1) throw inProgress()
        // Deleted, expired, or removed by the sweeper after its process died: this request creates it again.
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

  /** Takes the key, or resolves to its holder. */
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

function inProgress(): SluiceError {
  return new SluiceError(
    'conflict_error',
    'idempotency_in_progress',
    'A request with this Idempotency-Key is in progress: try again shortly.',
    { param: 'Idempotency-Key', retryAfterS: 1 },
  )
}
