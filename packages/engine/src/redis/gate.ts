import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { isOutage, outageCode } from './refusal.ts'

/** How often a write is tried while Redis refuses. */
const probeMs = 500
const firstRetryMs = 50
/**
 * From the first write that Redis takes to new work. Every process repeats the writes that it holds within `probeMs`, and keeps its
 * locks, before any process looks for jobs whose lock has ended.
 */
const settleMs = 1_500
/** Slots of a cluster that are probed; more are refused for the same reason. */
const mostProbes = 100

interface GateListener {
  /** Redis refuses writes: begin nothing. */
  closed(): void
  /** Called about every half second while the gate is closed, also when Redis takes writes again. */
  waiting(): void
  /** Redis takes writes. */
  opened(): void
}

/** Whether new work may begin. One for each process; it closes when Redis refuses a write, and opens when Redis takes one. */
export interface RedisGate extends AsyncDisposable {
  readonly isOpen: boolean
  /** An error of Redis to a write. `key`: one whose hash tag names the cluster slot. Ignores errors that are no outage. */
  refused(error: unknown, key: string): void
  /** Rejects with the signal's reason if that aborts first. */
  whenOpen(signal: AbortSignal): Promise<void>
  watch(listener: GateListener): Disposable
}

export interface GateDependencies {
  readonly redis: Redis
  /** A key to try while the connection is lost. */
  readonly key: string
  readonly onError: (error: Error) => void
}

export function createRedisGate({ redis, key: anyKey, onError }: GateDependencies): RedisGate {
  const listeners = new Set<GateListener>()
  const ended = new AbortController()
  /** Probe keys of the slots that refuse; empty while the gate is open. */
  const refusing = new Set<string>()
  let opening: Promise<void> | undefined

  const refused = (error: unknown, key: string) => {
    if (ended.signal.aborted || !isOutage(error)) return
    if (refusing.size < mostProbes) refusing.add(probeKey(key))
    if (opening !== undefined) return
    const code = outageCode(error)
    onError(
      new Error(
        `Redis takes no writes (${code}): nothing new begins, and answers are kept until it does. ${adviceFor(code)}`,
      ),
    )
    for (const listener of listeners) listener.closed()
    opening = openAgain()
  }
  const lost = () => refused(new Error('Connection is closed.'), anyKey)
  redis.on('close', lost)

  async function openAgain(): Promise<void> {
    try {
      do {
        await untilWritable()
        for (const listener of listeners) listener.waiting()
        await sleep(settleMs, undefined, { signal: ended.signal })
        // One that was refused in the meantime is tried before anything begins.
      } while (refusing.size > 0)
    } catch {
      return
    }
    opening = undefined
    for (const listener of listeners) listener.opened()
  }

  async function untilWritable(): Promise<void> {
    while (refusing.size > 0) {
      const probes = [...refusing]
      const taken = await Promise.all(probes.map(probe))
      probes.forEach((one, i) => taken[i] && refusing.delete(one))
      if (refusing.size === 0) return
      for (const listener of listeners) listener.waiting()
      await sleep(probeMs, undefined, { signal: ended.signal })
    }
  }

  async function probe(key: string): Promise<boolean> {
    try {
      // A connection that is lost keeps the command until it is back.
      await redis.set(key, '1', 'PX', 1_000)
      return true
    } catch {
      return false
    }
  }

  return {
    get isOpen() {
      return opening === undefined
    },
    refused,
    async whenOpen(signal) {
      signal.throwIfAborted()
      if (opening === undefined) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const abort = () => reject(signal.reason as Error)
      const listener: GateListener = { closed() {}, waiting() {}, opened: resolve }
      listeners.add(listener)
      signal.addEventListener('abort', abort, { once: true })
      try {
        await promise
      } finally {
        listeners.delete(listener)
        signal.removeEventListener('abort', abort)
      }
    },
    watch(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    async [Symbol.asyncDispose]() {
      redis.off('close', lost)
      ended.abort()
      // A probe that waits for a connection ends with the connection.
      listeners.clear()
    },
  }
}

/** Repeats `act` until Redis takes it. Rejects with any other error, and with the last one when `signal` aborts. */
export async function repeatUntilTaken<T>(
  act: () => Promise<T>,
  { gate, key, signal }: { gate: RedisGate; key: string; signal: AbortSignal },
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted()
    try {
      return await orAborted(act(), signal)
    } catch (error) {
      if (signal.aborted || !isOutage(error)) throw error
      gate.refused(error, key)
      await sleep(Math.min(probeMs, firstRetryMs * 2 ** failures), undefined, { signal }).catch(() => {})
      if (signal.aborted) throw error
    }
  }
}

/** The waiters for each signal. They share one listener: to remove one of a thousand listeners, Node searches all of them. */
const waitingFor = new WeakMap<AbortSignal, Set<(reason: Error) => void>>()

function rejectersOf(signal: AbortSignal): Set<(reason: Error) => void> {
  const known = waitingFor.get(signal)
  if (known !== undefined) return known
  const rejecters = new Set<(reason: Error) => void>()
  waitingFor.set(signal, rejecters)
  const abort = () => {
    const reason = signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))
    for (const reject of rejecters) reject(reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  return rejecters
}

/** A command of a lost connection waits for it without end. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const rejecters = rejectersOf(signal)
  return new Promise((resolve, reject) => {
    rejecters.add(reject)
    promise.then(resolve, reject).finally(() => rejecters.delete(reject))
  })
}

/** A key in the same cluster slot. It expires after a second. */
function probeKey(key: string): string {
  return `${/^[^{]*\{[^}]*\}/.exec(key)?.[0] ?? key}:probe`
}

function adviceFor(code: string): string {
  switch (code) {
    case 'OOM':
      return 'Its memory is full: delete ended batches, or raise maxmemory.'
    case 'MISCONF':
      return 'It cannot write to its disk: see its log and its free space.'
    case 'READONLY':
      return 'It is a replica now: set REDIS_URL to the primary, or to the Sentinels.'
    case 'NOREPLICAS':
      return 'Fewer replicas than min-replicas-to-write are connected.'
    default:
      return 'Trying again.'
  }
}
