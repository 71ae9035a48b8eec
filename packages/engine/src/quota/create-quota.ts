import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { type ConfiguredLimit, exchange, type ExchangeReply, type Grant } from './exchange.ts'
import { createFindings } from './findings.ts'
import { type Quota, QuotaTooLargeError, type Reservation } from './quota.ts'

/** Between two exchanges of a process while calls come one by one and none has to wait. */
const soonMs = 5
/** How often a process that makes calls without waiting tells what it found, and hears of a hold. */
const idleMs = 250
/** A process that has not heard of the lane for so long asks before its calls go. */
const freshMs = 1_000
const retryMs = 500
/** Of the calls that wait, in one exchange. */
const mostAsked = 500

interface Waiter {
  readonly tokens: number
  readonly go: (reservation: Reservation) => void
  readonly fail: (error: Error) => void
  goAtMs: number
  expected: Reservation['expected']
}

/**
 * The quota of a lane. Calls that wait stand in line here; one exchange at a time with Redis (exchange.lua) reserves for the first of
 * them, a short horizon ahead, and tells what answers have said of the limit.
 */
export function createQuota({
  redis,
  key,
  limits,
  maxInFlight,
  onMode,
  onError,
}: {
  redis: Redis
  key: string
  limits: readonly ConfiguredLimit[]
  /** Calls in flight of the lane, by all processes. */
  maxInFlight?: number
  /** Told with every exchange, before calls go by it. Given where the calls in flight adapt: then nothing stops them after a short hold. */
  onMode?: (mode: ExchangeReply['mode']) => void
  onError: (error: Error) => void
}): Quota {
  const findings = createFindings()
  const closing = new AbortController()
  const waiting: Waiter[] = []
  /** Reserved, in the order of their instants. */
  const granted: Waiter[] = []
  let mode: ExchangeReply['mode'] = 'probing'
  let epoch = 0
  const id = randomUUID()
  /** Granted, and neither settled nor released. */
  let held = 0
  let mostTokens = Math.min(...limits.map(({ kind, most }) => (kind === 'tokens' ? most : Number.POSITIVE_INFINITY)))
  let heardAtMs = Number.NEGATIVE_INFINITY
  let wentFree = false
  let trading = false
  let tradeTimer: NodeJS.Timeout | undefined
  let tradeAtMs = Number.POSITIVE_INFINITY
  let goTimer: NodeJS.Timeout | undefined

  return {
    async reserve(tokens, { signal }) {
      signal.throwIfAborted()
      if (closing.signal.aborted) throw new Error('The quota is closed.')
      if (tokens > mostTokens) throw tooLarge(tokens)
      const nowMs = performance.now()
      if (mode === 'free' && waiting.length === 0 && nowMs - heardAtMs < freshMs) {
        wentFree = true
        held += 1
        planTrade(idleMs)
        return { tokens, goneAtMs: nowMs, expected: null }
      }
      return wait(tokens, signal)
    },
    settle(reservation, call) {
      freePlace()
      if (call === null) return
      findings.add(reservation, call, performance.now())
      // Until the lane's hold is known here, nothing goes past the line.
      if (findings.urgent()) mode = 'probing'
      planTrade(mode === 'probing' ? 0 : idleMs)
    },
    release(reservation) {
      freePlace()
      findings.giveBack(reservation.tokens)
      planTrade(idleMs)
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      clearTimeout(tradeTimer)
      clearTimeout(goTimer)
      for (const waiter of [...granted.splice(0), ...waiting.splice(0)]) waiter.fail(new Error('The quota is closed.'))
    },
  }

  function wait(tokens: number, signal: AbortSignal): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      const end = () => signal.removeEventListener('abort', abort)
      const waiter: Waiter = {
        tokens,
        goAtMs: 0,
        expected: null,
        go(reservation) {
          end()
          resolve(reservation)
        },
        fail(error) {
          end()
          reject(error)
        },
      }
      const abort = () => {
        if (!remove(waiting, waiter) && remove(granted, waiter)) {
          freePlace()
          findings.giveBack(tokens)
          planTrade(idleMs)
        }
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      waiting.push(waiter)
      if (waiting.length === 1) planTrade(heardAtMs + soonMs - performance.now())
    })
  }

  function freePlace(): void {
    held -= 1
    if (maxInFlight !== undefined && waiting.length > 0) planTrade(soonMs)
  }

  /** Sees to it that an exchange begins within `ms`. */
  function planTrade(ms: number): void {
    const atMs = performance.now() + Math.max(0, ms)
    if (closing.signal.aborted || atMs >= tradeAtMs) return
    tradeAtMs = atMs
    if (trading) return
    clearTimeout(tradeTimer)
    tradeTimer = setTimeout(() => void trade(), Math.max(0, ms))
  }

  async function trade(): Promise<void> {
    trading = true
    tradeAtMs = Number.POSITIVE_INFINITY
    const asked = waiting.slice(0, mostAsked)
    const costs = asked.map(({ tokens }) => tokens)
    const reply = await answered({
      limits,
      ...(maxInFlight === undefined ? {} : { inFlight: { most: maxInFlight, by: id, held } }),
      adapts: onMode !== undefined,
      costs,
      ...findings.take(performance.now()),
    })
    trading = false
    if (reply === null) return
    take(reply, asked)
    if (waiting.length > 0) {
      // Processes that came at a fixed beat would keep their order, and the first would have nearly all: so each comes at random.
      const left = reply.grants.length === asked.length ? soonMs : reply.againMs * (0.6 + 0.8 * Math.random())
      planTrade(left)
    } else if (wentFree || !findings.empty()) {
      planTrade(idleMs)
    } else if (maxInFlight !== undefined && held > 0) {
      // Else they would be taken for lost with their process.
      planTrade(freshMs)
    }
    wentFree = false
    // What was planned while the exchange ran.
    const atMs = tradeAtMs
    if (Number.isFinite(atMs)) {
      tradeAtMs = Number.POSITIVE_INFINITY
      planTrade(atMs - performance.now())
    }
  }

  /** Tries until Redis answers: nothing goes meanwhile beyond what was granted. Null: closed. */
  async function answered(message: Parameters<typeof exchange>[2]): Promise<ExchangeReply | null> {
    while (!closing.signal.aborted) {
      try {
        const reply = await exchange(redis, key, message)
        return closing.signal.aborted ? null : reply
      } catch (error) {
        if (closing.signal.aborted) return null
        onError(error as Error)
        await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
    return null
  }

  function take(reply: ExchangeReply, asked: readonly Waiter[]): void {
    const nowMs = (heardAtMs = performance.now())
    // A refusal that came while the exchange ran is not in its reply.
    mode = findings.urgent() ? 'probing' : reply.mode
    onMode?.(mode)
    mostTokens = reply.mostTokens
    if (reply.epoch !== epoch && reply.heldMs > 0) {
      // What was granted before the hold goes after it, as far apart as before.
      for (const waiter of granted) {
        waiter.goAtMs = Math.max(nowMs, waiter.goAtMs) + reply.heldMs
        waiter.expected = null
      }
    }
    epoch = reply.epoch
    reply.grants.forEach(({ delayMs, ...expected }: Grant, i) => {
      const waiter = asked[i]
      if (waiter === undefined || delayMs < 0) return
      if (!remove(waiting, waiter)) return findings.giveBack(waiter.tokens)
      waiter.goAtMs = nowMs + delayMs
      waiter.expected = { ...expected, epoch }
      held += 1
      granted.push(waiter)
    })
    for (const waiter of waiting.filter(({ tokens }) => tokens > mostTokens)) {
      remove(waiting, waiter)
      waiter.fail(tooLarge(waiter.tokens))
    }
    granted.sort((a, b) => a.goAtMs - b.goAtMs)
    letGo()
  }

  function letGo(): void {
    clearTimeout(goTimer)
    const nowMs = performance.now()
    while (granted[0] !== undefined && granted[0].goAtMs <= nowMs) {
      const { tokens, expected, go } = granted.shift()!
      go({ tokens, goneAtMs: nowMs, expected })
    }
    const [next] = granted
    if (next !== undefined) goTimer = setTimeout(letGo, next.goAtMs - nowMs)
  }

  function tooLarge(tokens: number): QuotaTooLargeError {
    return new QuotaTooLargeError(`The call needs ${tokens} tokens; the lane's limit is ${mostTokens}.`)
  }
}

function remove<T>(list: T[], one: T): boolean {
  const at = list.indexOf(one)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}
