import { SluiceError } from '@sluice/contract/error'
import { Redis } from 'ioredis'
import { primaries } from './connect.ts'

/**
 * What is on disk when Redis answers: every write, all but the last second, or nothing; 'unknown' if Redis does not report it.
 * For a cluster, the weakest of its primaries. It is about their own disks: a replica that takes over may lack the last writes.
 */
export type DurabilityLevel = 'always' | 'everysec' | 'none' | 'unknown'

export interface Durability {
  readonly level: DurabilityLevel
  /**
   * Resolves when everything that this connection wrote is on disk. With `always` that is true when Redis answers; Redis 7.2 and
   * later confirm it (WAITAOF). With a weaker setting that the user has allowed, it resolves at once.
   */
  confirm(): Promise<void>
}

const confirmMs = 5_000
const weakestFirst = ['none', 'everysec', 'unknown', 'always'] as const

export async function readDurability(redis: Redis): Promise<Durability> {
  const levels = new Set(await Promise.all(primaries(redis).map(readLevel)))
  const level = weakestFirst.find((one) => levels.has(one)) ?? 'unknown'
  // In a cluster WAITAOF would go to any node, so `always` alone must be enough.
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
        'Redis did not confirm in time that this is on disk. Repeat the request with the same Idempotency-Key.',
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
