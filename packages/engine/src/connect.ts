import { Redis } from 'ioredis'

/**
 * Two kinds of connections. Who serves a request wants to fail fast; who works on through an outage waits.
 * BullMQ asks for `maxRetriesPerRequest: null` on every connection that blocks.
 */

/** For the API: a command without Redis fails within seconds instead of queueing up in memory. */
export function connectFailingFast(url: string, onError: (error: Error) => void): Promise<Redis> {
  return opened(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 10_000 }, onError)
}

/** For workers and subscribers: commands wait until Redis is back. */
export function connectWaiting(url: string, onError: (error: Error) => void): Promise<Redis> {
  return opened(url, { maxRetriesPerRequest: null }, onError)
}

interface Waiting {
  readonly maxRetriesPerRequest: number | null
  readonly enableOfflineQueue?: boolean
  readonly commandTimeout?: number
}

/** Resolves when the connection is ready; rejects with the first error. Afterwards it reconnects by itself, at most a second apart. */
async function opened(url: string, options: Waiting, onError: (error: Error) => void): Promise<Redis> {
  const redis = new Redis(url, {
    ...options,
    lazyConnect: true,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(1_000, 50 * 2 ** times),
  })
  redis.on('error', onError)
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw error
  }
  return redis
}
