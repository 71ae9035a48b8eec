import { parseRedisAddress } from '@sluice/contract/redis-address'
import { Cluster, Redis } from 'ioredis'
import { endWhenDisconnected } from './end-connection.ts'
import { watchConnection } from './heartbeat.ts'

/**
 * Two kinds of connections: the API, which serves requests, fails fast; a worker, which outlasts an outage, waits.
 * BullMQ asks for `maxRetriesPerRequest: null` on every connection that blocks.
 */

interface ConnectOptions {
  readonly maxRetriesPerRequest: number | null
  readonly enableOfflineQueue?: boolean
  readonly commandTimeout?: number
  readonly connectTimeout?: number
  readonly keepAlive?: number
  readonly retryStrategy?: (times: number) => number | null
  readonly reconnectOnError?: (error: Error) => boolean
  /** As CLIENT LIST shows it. */
  readonly connectionName?: string
  /** It only listens to messages. */
  readonly subscribes?: boolean
  /** Of a cluster: how a command that met a node that is away, or slots that move, is sent again. */
  readonly resend?: { readonly times: number; readonly everyMs: number }
}

/** For the API: a command without Redis fails within seconds instead of queueing up in memory. */
export function connectFailingFast(url: string, onError: (error: Error) => void): Promise<Redis> {
  return opened(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 10_000 }, onError)
}

/** For weeks, so that paid answers are kept while a node of a cluster is unreachable. By default ioredis gives up after 16 times, about a second. */
const resendWithoutEnd = { times: 10_000_000, everyMs: 500 } as const

/**
 * The system probes an idle connection after this (TCP keep-alive), and closes it 10 s later: in a cluster, messages arrive on separate
 * connections, which heartbeat.ts does not reach.
 */
const keepAliveMs = 5_000
/** Another Sentinel is asked after this. */
const sentinelMs = 2_000
/** How often the slots of a cluster are read again, and how long one node may take to return them. */
const slotsRefreshMs = 3_000

/** For workers and subscribers: commands wait until Redis is back. */
export function connectWaiting(
  url: string,
  onError: (error: Error) => void,
  named: Pick<ConnectOptions, 'connectionName' | 'subscribes'> = {},
): Promise<Redis> {
  return opened(url, { maxRetriesPerRequest: null, resend: resendWithoutEnd, ...named }, onError)
}

/** Resolves when the connection is ready; rejects with the first error. Afterwards it reconnects by itself, at most a second apart. */
async function opened(url: string, options: ConnectOptions, onError: (error: Error) => void): Promise<Redis> {
  const redis = createRedis(url, {
    connectTimeout: 5_000,
    keepAlive: keepAliveMs,
    retryStrategy: (times) => Math.min(1_000, 50 * 2 ** times),
    reconnectOnError: onceIn(readonlyMs, (error) => /READONLY/.test(error.message)),
    ...options,
  })
  redis.on('error', onError)
  endWhenDisconnected(redis)
  watchConnection(redis)
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw error
  }
  return redis
}

/**
 * A primary that was demoted: its address, or Sentinel, leads to the new one. The command itself fails, and its caller repeats it.
 * Many commands fail at once, and ioredis would close the connection for each of them.
 */
const readonlyMs = 200
function onceIn(ms: number, isMeant: (error: Error) => boolean): (error: Error) => boolean {
  let last = -ms
  return (error) => {
    if (!isMeant(error) || performance.now() - last < ms) return false
    last = performance.now()
    return true
  }
}

/** A client for any address, not yet connected. A cluster takes the same commands, as each of ours stays within one slot. */
export function createRedis(url: string, all: ConnectOptions): Redis {
  const address = parseRedisAddress(url)
  if (address === null) throw new Error('This is not the address of a Redis: see docs/reference/redis.md.')
  const { username, password } = address
  const { resend, subscribes = false, ...options } = all
  const shared = {
    ...options,
    lazyConnect: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(address.tls ? { tls: {} } : {}),
  }
  switch (address.type) {
    case 'single':
      return new Redis(address.url, { ...options, lazyConnect: true })
    case 'sentinel':
      return new Redis({
        ...shared,
        sentinels: [...address.nodes],
        name: address.primary,
        // Sentinel says so at once when it promotes another one; the old one may only be silent.
        failoverDetector: true,
        sentinelCommandTimeout: sentinelMs,
        db: address.db,
        ...(password === undefined ? {} : { sentinelPassword: password }),
        ...(address.tls ? { enableTLSForSentinelMode: true } : {}),
      })
    case 'cluster': {
      const { retryStrategy, enableOfflineQueue = true, ...redisOptions } = shared
      const cluster = new Cluster([...address.nodes], {
        lazyConnect: true,
        enableOfflineQueue,
        // One connection to each primary, for messages that stay within its slots.
        shardedSubscribers: subscribes,
        slotsRefreshInterval: slotsRefreshMs,
        slotsRefreshTimeout: slotsRefreshMs,
        clusterRetryStrategy: (times) => retryStrategy?.(times) ?? null,
        ...(resend === undefined
          ? {}
          : {
              maxRedirections: resend.times,
              retryDelayOnFailover: resend.everyMs,
              retryDelayOnClusterDown: resend.everyMs,
              retryDelayOnTryAgain: resend.everyMs,
            }),
        redisOptions,
      })
      return connectsWhenReady(cluster) as unknown as Redis
    }
    default:
      return address satisfies never
  }
}

/**
 * `connect()` of a cluster that first says it is down (`cluster_state:fail`) resolves when it is ready, also of every duplicate.
 * ioredis then connects again by itself and leaves the promise open (ioredis#741); BullMQ awaits it, and would never fetch a job again.
 */
function connectsWhenReady(cluster: Cluster): Cluster {
  const connect = cluster.connect.bind(cluster)
  const duplicate = cluster.duplicate.bind(cluster)
  let decided: Promise<void> | undefined
  const decide = () =>
    new Promise<void>((resolve, reject) => {
      const ready = () => {
        cluster.off('end', ended)
        decided = undefined
        resolve()
      }
      const ended = () => {
        cluster.off('ready', ready)
        decided = undefined
        reject(new Error('The connection to the cluster was closed.'))
      }
      cluster.once('ready', ready).once('end', ended)
    })
  // Also called by ioredis itself for each new attempt.
  cluster.connect = () => Promise.race([connect(), (decided ??= decide())])
  cluster.duplicate = (...args) => connectsWhenReady(duplicate(...args))
  return cluster
}

/** The servers that hold data: each primary of a cluster, or the one there is. */
export function primaries(redis: Redis): Redis[] {
  const client: unknown = redis
  return client instanceof Cluster ? client.nodes('master') : [redis]
}
