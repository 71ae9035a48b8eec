import type { Redis } from 'ioredis'
import { loadScript } from './script.ts'

const holdScript = loadScript(new URL('hold-lease.lua', import.meta.url))
const releaseScript = loadScript(new URL('release-lease.lua', import.meta.url))

/**
 * Work that one process does at a time. Not a lock: a process that was away for longer than the lease may still be at it,
 * so what is done under it must be safe to run twice.
 */
export interface Lease {
  /** Whether this process holds it now. Asks Redis at most once in a third of the lease's time. */
  hold(): Promise<boolean>
  release(): Promise<void>
}

export interface LeaseDependencies {
  readonly redis: Redis
  readonly key: string
  /** Unique for each process. */
  readonly holder: string
  /** A holder that dies is replaced after this. */
  readonly ms: number
}

export function createLease({ redis, key, holder, ms }: LeaseDependencies): Lease {
  /** By a clock that is never set: with one that was set back, this process would believe for minutes that it holds the lease. */
  let heldAt = -ms
  return {
    async hold() {
      const now = performance.now()
      if (now - heldAt < ms / 3) return true
      heldAt = -ms
      if ((await holdScript(redis, { lease: key }, { holder, ms })) !== 1) return false
      heldAt = now
      return true
    },
    async release() {
      heldAt = -ms
      await releaseScript(redis, { lease: key }, { holder })
    },
  }
}
