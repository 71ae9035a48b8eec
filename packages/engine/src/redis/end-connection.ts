import type { Redis } from 'ioredis'

/** Commands that ioredis keeps to send them again. It sets this field to null when it has sent them. */
interface Unsent {
  prevCommandQueue?: { shift(): { command: { reject(error: Error): void } } | undefined } | null
}

/**
 * Makes `disconnect()` end a connection that waits to connect again. ioredis 6.0 only clears its timer then: it emits no `end`, and
 * rejects neither new commands nor those that it keeps to send again (ioredis#2169). BullMQ's `close()` waits for both, so a worker that
 * was stopped while Redis was restarted did not end.
 */
export function endWhenDisconnected(redis: Redis): void {
  const disconnect = redis.disconnect.bind(redis)
  redis.disconnect = (reconnect = false) => {
    // In this state ioredis, single or cluster, takes the way that ends the connection.
    if (!reconnect && redis.status === 'reconnecting') redis.status = 'wait'
    disconnect(reconnect)
  }
  redis.on('end', () => rejectUnsent(redis as unknown as Unsent))
}

function rejectUnsent({ prevCommandQueue: queue }: Unsent): void {
  for (let item = queue?.shift(); item !== undefined; item = queue?.shift()) {
    item.command.reject(new Error('Connection is closed.'))
  }
}
