import type { Redis } from 'ioredis'
import { type Changes, createChanges } from './changes.ts'
import { connectWaiting } from './connect.ts'
import { claimFormat } from './format.ts'
import { createRedisGate, type RedisGate } from './gate.ts'
import { reconnectTogether } from './heartbeat.ts'
import type { Keys } from './keys.ts'
import { createRedisMemory, type RedisMemory } from './memory.ts'

const memoryFreshMs = 500

export interface ConnectionsOptions {
  readonly redisUrl: string
  readonly keys: Keys
  /** By which others see that this process lives. */
  readonly connectionName: string
  readonly onError: (error: Error) => void
}

export interface Connections extends AsyncDisposable {
  readonly redis: Redis
  /** Closed while Redis takes no writes. */
  readonly gate: RedisGate
  readonly changes: Changes
  readonly memory: RedisMemory
  /** Ends the connections at once: what still waits for Redis is rejected. */
  disconnect(): void
}

/** The connections of a worker process. They wait for Redis; the data of a newer version is refused. */
export async function openConnections({
  redisUrl,
  keys,
  connectionName,
  onError,
}: ConnectionsOptions): Promise<Connections> {
  await using opening = new AsyncDisposableStack()
  const redis = opening.adopt(await connectWaiting(redisUrl, onError, { connectionName }), (it) => it.disconnect())
  const gate = opening.use(createRedisGate({ redis, key: keys.probe, onError }))
  await claimFormat(redis, keys)
  const subscriber = await connectWaiting(redisUrl, onError, { subscribes: true })
  const changes = opening.use(createChanges({ subscriber }))
  reconnectTogether(redis, subscriber)
  const opened = opening.move()
  return {
    redis,
    gate,
    changes,
    memory: createRedisMemory({ redis, freshMs: memoryFreshMs }),
    disconnect() {
      redis.disconnect()
      subscriber.disconnect()
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
