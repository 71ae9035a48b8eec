import { Cluster, type Redis } from 'ioredis'
import { repeat } from '../repeat.ts'
import { endWhenDisconnected } from './end-connection.ts'
import { isReply } from './refusal.ts'

const beatMs = 2_000
/** A server that answers nothing for this long, at two beats in a row, is given up. No script of ours takes longer than 20 ms. */
const silentMs = 3_500
/** From the TCP connection to the first answers. A host that only accepts connections would keep ioredis waiting without end. */
const handshakeMs = 4_000

/**
 * Detects a server that no longer answers, and a primary that became a replica: ioredis waits for them without end, and connections that
 * only listen or are idle never get an error. The connection is closed and opened again, to the server to which its address leads by then.
 */
export function watchConnection(redis: Redis): void {
  const client: unknown = redis
  const copies = new Set<Redis>()
  watchCopies(redis, copies)
  if (client instanceof Cluster) {
    watchNodes(client)
    return
  }
  watchHandshake(redis)
  const beating = repeat(
    async () => {
      if (redis.status !== 'ready' || (await isServing(redis))) return
      drop(redis)
      for (const copy of copies) drop(copy)
    },
    { everyMs: beatMs, first: 'after-interval', onError: () => {} },
  )
  redis.once('end', () => void beating.stop())
}

/** Closes `follower`, a connection that only listens, whenever `leader` is closed: only the leader sees that a primary was demoted. */
export function reconnectTogether(leader: Redis, follower: Redis): void {
  const client: unknown = leader
  // In a cluster ioredis chooses another node for subscriptions when the slots move.
  if (client instanceof Cluster) return
  leader.on('close', () => {
    if (follower.status === 'ready') drop(follower)
  })
}

/** BullMQ duplicates a connection for its blocking command, and gives that up itself; but only when its longest wait is over. */
function watchCopies(redis: Redis, copies: Set<Redis>): void {
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = (...args) => {
    const copy = duplicate(...args)
    endWhenDisconnected(copy)
    const client: unknown = copy
    if (client instanceof Cluster) watchNodes(client)
    else watchHandshake(copy)
    copies.add(copy)
    copy.once('end', () => copies.delete(copy))
    return copy
  }
}

function watchHandshake(redis: Redis): void {
  let timer: NodeJS.Timeout | undefined
  const clear = () => clearTimeout(timer)
  redis.on('connect', () => {
    clear()
    timer = setTimeout(() => {
      if (redis.status === 'connect') drop(redis)
    }, handshakeMs)
  })
  redis.on('ready', clear).on('close', clear)
}

/** Each node of a cluster has its own connection. ioredis reads the slots again when one is lost. */
function watchNodes(cluster: Cluster): void {
  cluster.on('+node', watchHandshake)
  const beating = repeat(
    async () => {
      const ready = cluster.nodes('all').filter(({ status }) => status === 'ready')
      await Promise.all(ready.map(async (node) => (await isAnswering(node.ping())) || drop(node)))
    },
    { everyMs: beatMs, first: 'after-interval', onError: () => {} },
  )
  cluster.once('end', () => void beating.stop())
}

/** ROLE, where it is allowed, also shows that a primary was demoted while this process wrote nothing. */
async function isServing(redis: Redis): Promise<boolean> {
  // Subscribed, a connection takes no ROLE.
  if (redis.mode === 'subscriber') return isAnswering(redis.ping())
  let demoted = false
  const readRole = async () => {
    try {
      const [name] = await redis.role()
      demoted = name === 'slave'
    } catch (error) {
      // Managed Redis may forbid ROLE; an answer all the same.
      if (!isReply(error)) throw error
    }
  }
  return (await isAnswering(readRole())) && !demoted
}

/** False when no answer came in time although this process was free to read it. An answer that is an error is an answer. */
async function isAnswering(asked: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    // Where this process was busy, the answer may have come meanwhile: it is read before the second timer.
    timer = setTimeout(() => {
      timer = setTimeout(() => resolve(false), 50)
    }, silentMs)
  })
  const answered = asked.then(
    () => true,
    // A connection that is closed opens again by itself.
    () => true,
  )
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}

/** At once: a silent host never confirms the end of a connection. ioredis connects again. */
function drop(redis: Redis): void {
  const { stream } = redis as unknown as { stream?: { destroy(): void } }
  stream?.destroy()
}
