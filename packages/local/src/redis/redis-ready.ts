import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** Resolves to undefined if Redis answers and has loaded its data, otherwise to the reason. Takes at most `timeoutMs`. */
export async function whyNotReady(url: string, timeoutMs: number): Promise<string | undefined> {
  const redis = connect(url, timeoutMs)
  // Without a listener a refused connection is printed as an unhandled error; connect() below reports the reason.
  let reason = 'it does not answer'
  redis.on('error', (error: Error) => (reason = error.message))
  try {
    await redis.connect()
    await redis.ping()
    return undefined
  } catch (error) {
    return error instanceof Error && !error.message.startsWith('Connection is closed') ? error.message : reason
  } finally {
    redis.disconnect()
  }
}

/** Resolves when Redis is ready; rejects with the signal's reason. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while ((await whyNotReady(url, 1_000)) !== undefined) await sleep(50, undefined, { signal })
}

/**
 * Stops the Redis that is still running on this data after a `start` was killed. Resolves to whether there was one.
 * It is identified by its data directory, so that another program's Redis, which may have got the port meanwhile, keeps running.
 */
export async function shutDownOn(url: string, directory: string): Promise<boolean> {
  const redis = connect(url, 1_000)
  redis.on('error', () => {})
  try {
    await redis.connect()
    const [, dir] = (await redis.config('GET', 'dir')) as [string, string]
    if (dir !== directory) return false
    // Redis answers a SHUTDOWN by closing the connection.
    await redis.shutdown('NOSAVE').catch(() => {})
    return true
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

function connect(url: string, timeoutMs: number): Redis {
  return new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    enableReadyCheck: true,
    retryStrategy: () => null,
  })
}
