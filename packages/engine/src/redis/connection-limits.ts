import { readFile } from 'node:fs/promises'
import type { Redis } from 'ioredis'
import { createRedis, primaries } from './connect.ts'

/**
 * Connections in addition to one for each lane: commands, messages, the queues of batches, summaries, files and webhooks, and this check.
 */
const besidesLanes = 7
/** Files, pipes and sockets of a process in addition to those to Redis, with a few calls. Most further calls need one each. */
const otherFiles = 64

/**
 * A worker waits for jobs with one connection for each lane: BullMQ blocks on a queue, and Redis answers one blocking command of a
 * connection at a time. So 1,000 lanes take 1,007. Returns why they are too many for this Redis or this process, and the fix; null if
 * they are not, or Redis does not report its limit. Without this check a worker would start, and lose its connections one by one.
 */
export async function checkConnections(
  url: string,
  { lanes }: { readonly lanes: number },
  { timeoutMs = 5_000 } = {},
): Promise<string | null> {
  const needed = lanes + besidesLanes
  const why = `This worker needs ${number(needed)} connections to Redis: one for each of its ${number(lanes)} lanes, and ${besidesLanes} more.`
  const fix = 'or configure fewer lanes.'

  const files = await openFilesLimit()
  if (files !== null && files < needed + otherFiles) {
    return `${why} This process may open ${number(files)} files and sockets in all: raise that limit (ulimit -n, or LimitNOFILE of systemd), ${fix}`
  }
  const redis = createRedis(url, {
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  redis.on('error', () => {})
  try {
    await redis.connect()
    const free = Math.min(...(await Promise.all(primaries(redis).map(freeConnections))))
    return free >= needed ? null : `${why} Redis has ${number(free)} left: raise its maxclients, ${fix}`
  } finally {
    redis.disconnect()
  }
}

async function freeConnections(redis: Redis): Promise<number> {
  const info = await redis.info('clients')
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN)
  const limit = field('maxclients')
  return Number.isFinite(limit) ? Math.max(0, limit - field('connected_clients')) : Number.POSITIVE_INFINITY
}

/** Null where it is not known: only Linux reports it without a native module. */
async function openFilesLimit(): Promise<number | null> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? null : Number(soft)
}

function number(value: number): string {
  return value.toLocaleString('en')
}
