import { SluiceError } from '@sluice/contract/error'
import { Redis } from 'ioredis'
import { primaries } from './connect.ts'

/**
 * What Redis has on disk when it answers: every write, all but the last second, or nothing. 'unknown' where it does not tell.
 * Of a cluster, the least of its primaries. It is said of their own disks: a replica that takes over may lack the last writes.
 */
export type DurabilityLevel = 'always' | 'everysec' | 'none' | 'unknown'

export interface Durability {
  readonly level: DurabilityLevel
  /**
   * Resolves when what this connection wrote is on disk. With `always` it is so before Redis answers; Redis 7.2 and later are
   * asked all the same (WAITAOF). Where less was allowed, nothing is waited for.
   */
  confirm(): Promise<void>
}

const confirmMs = 5_000
const weakestFirst = ['none', 'everysec', 'unknown', 'always'] as const

export async function readDurability(redis: Redis): Promise<Durability> {
  const levels = new Set(await Promise.all(primaries(redis).map(readLevel)))
  const level = weakestFirst.find((one) => levels.has(one)) ?? 'unknown'
  // In a cluster the question would go to any node; there `always` alone has to do.
  const asks = level === 'always' && redis instanceof Redis && (await knowsWaitAof(redis))
  return {
    level,
    async confirm() {
      if (!asks) return
      const [local] = (await redis.call('WAITAOF', 1, 0, confirmMs)) as [number, number]
      if (local >= 1) return
      throw new SluiceError(
        'overloaded_error',
        'not_on_disk',
        'Redis has not told in time that this is on disk. Repeat the request with the same Idempotency-Key.',
        { retryAfterS: 5 },
      )
    },
  }
}

async function readLevel(redis: Redis): Promise<DurabilityLevel> {
  if (!/^aof_enabled:1/m.test(await redis.info('persistence'))) return 'none'
  // Managed Redis often forbids CONFIG.
  const fsync = await redis.config('GET', 'appendfsync').then(
    (reply) => reply[1],
    () => undefined,
  )
  if (fsync === 'always' || fsync === 'everysec') return fsync
  return fsync === 'no' ? 'none' : 'unknown'
}

async function knowsWaitAof(redis: Redis): Promise<boolean> {
  const info = (await redis.command('INFO', 'WAITAOF').catch(() => [null])) as unknown[]
  return info[0] !== null && info[0] !== undefined
}
