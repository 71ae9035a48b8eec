import { createAnswers, type Answers } from './answers.ts'
import type { Clock } from './clock.ts'
import type { ExchangeMessage, ExchangeReply, QuotaMode } from './exchange.ts'
import { type Mark, QuotaTooLargeError, type Reservation } from './quota.ts'

/** Between two exchanges while all that waits is granted at once. */
const soonMs = 5
/** At the latest so long after an answer, while calls wait and while none does. */
const busyMs = 25
const idleMs = 250
/** A process that has not asked for so long must ask before its calls go. */
const freshMs = 1_000
const retryMs = 500
/** Calls that one exchange asks for. */
const mostAsked = 500

export interface ModelLineDependencies {
  readonly model: string
  readonly clock: Clock
  /** One exchange; rejects when Redis does not answer. */
  readonly trade: (
    message: Omit<ExchangeMessage, 'by' | 'limits' | 'laneHeld' | 'longestWaitMs' | 'maxInFlight'>,
  ) => Promise<ExchangeReply>
  /** Called with each change of the calls in flight. */
  readonly onHeld: (change: number) => void
  readonly onMode: (mode: QuotaMode) => void
  readonly onError: (error: Error) => void
  /** The most tokens of a call, as configured. */
  readonly mostTokens: number
  /** A place that another process frees is only seen by asking. */
  readonly boundsInFlight: boolean
}

/** The calls of one model that wait in this process, first come, first served. */
export interface ModelLine {
  reserve(tokens: number, signal: AbortSignal): Promise<Reservation>
  readonly answers: Pick<Answers, 'add'>
  settled(reservation: Reservation): void
  release(reservation: Reservation): void
  /** Nothing waits, nothing is in flight, nothing is left to report. */
  idle(): boolean
  close(): void
}

interface Waiter {
  readonly tokens: number
  readonly go: (reservation: Reservation) => void
  readonly fail: (error: Error) => void
  goAtMs: number
  mark: Mark | null
}

export function createModelLine(dependencies: ModelLineDependencies): ModelLine {
  const { model, clock, trade, onHeld, onMode, onError, boundsInFlight } = dependencies
  const answers = createAnswers()
  const waiting: Waiter[] = []
  /** Granted, in the order in which they go. */
  const granted: Waiter[] = []
  let mode: QuotaMode = 'starting'
  let epoch = 0
  let freeAgainMs = idleMs
  let { mostTokens } = dependencies
  /** Granted, and neither settled nor released. */
  let held = { requests: 0, tokens: 0 }
  let went = { requests: 0, tokens: 0 }
  let askedAtMs = Number.NEGATIVE_INFINITY
  let closed = false
  let trading = false
  let tradeAtMs = Number.POSITIVE_INFINITY
  let cancelTrade = () => {}
  let cancelGo = () => {}

  return {
    answers,
    async reserve(tokens, signal) {
      signal.throwIfAborted()
      if (closed) throw closedError()
      if (tokens > mostTokens) throw tooLarge(tokens)
      const nowMs = clock.now()
      if (mode !== 'free' || waiting.length > 0 || nowMs - askedAtMs >= freshMs) return wait(tokens, signal)
      hold(1, tokens)
      went = { requests: went.requests + 1, tokens: went.tokens + tokens }
      planTrade(freeAgainMs)
      return { model, tokens, goneAtMs: nowMs, mark: null }
    },
    settled({ tokens }) {
      hold(-1, -tokens)
      // Until the hold is known here, nothing goes without asking.
      if (answers.urgent()) mode = 'starting'
      if (answers.urgent() || (mode === 'starting' && waiting.length > 0)) planTrade(0)
      else if (answers.any() || boundsInFlight)
        planTrade(waiting.length > 0 ? (boundsInFlight ? soonMs : busyMs) : mode === 'free' ? freeAgainMs : idleMs)
    },
    release({ tokens }) {
      hold(-1, -tokens)
      answers.giveBack(tokens)
      planTrade(waiting.length > 0 ? soonMs : idleMs)
    },
    idle: () => waiting.length === 0 && held.requests === 0 && !trading && !answers.any() && went.requests === 0,
    close() {
      closed = true
      cancelTrade()
      cancelGo()
      for (const waiter of [...granted.splice(0), ...waiting.splice(0)]) waiter.fail(closedError())
    },
  }

  function hold(requests: number, tokens: number): void {
    held = { requests: held.requests + requests, tokens: held.tokens + tokens }
    onHeld(requests)
  }

  function wait(tokens: number, signal: AbortSignal): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      const end = () => signal.removeEventListener('abort', abort)
      const waiter: Waiter = {
        tokens,
        goAtMs: 0,
        mark: null,
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
        if (remove(granted, waiter)) {
          hold(-1, -tokens)
          answers.giveBack(tokens)
          planTrade(idleMs)
        } else {
          remove(waiting, waiter)
        }
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      waiting.push(waiter)
      if (waiting.length === 1) planTrade(askedAtMs + soonMs - clock.now())
    })
  }

  /** Makes sure that an exchange begins within `ms`. */
  function planTrade(ms: number): void {
    const delayMs = Math.max(0, ms)
    const atMs = clock.now() + delayMs
    if (closed || atMs >= tradeAtMs) return
    tradeAtMs = atMs
    if (trading) return
    cancelTrade()
    cancelTrade = clock.after(delayMs, () => void runTrade())
  }

  async function runTrade(): Promise<void> {
    trading = true
    tradeAtMs = Number.POSITIVE_INFINITY
    const asked = waiting.slice(0, mostAsked)
    const report = answers.take(clock.now())
    const message = { held, costs: asked.map(({ tokens }) => tokens), went, ...report }
    went = { requests: 0, tokens: 0 }
    const reply = await untilAnswered(message)
    trading = false
    if (reply === null) return
    take(reply, asked)
    if (waiting.length > 0) {
      // At random, because processes that asked at a fixed beat would keep their order, and the first would get nearly everything.
      const left = reply.delaysMs.length === asked.length ? soonMs : reply.againMs * (0.5 + 0.5 * clock.random())
      planTrade(left)
    } else if (held.requests > 0 || answers.any()) {
      // Also with nothing to say: calls of a process that is silent would count as lost.
      planTrade(answers.any() ? idleMs : freshMs)
    }
    const atMs = tradeAtMs
    if (Number.isFinite(atMs)) {
      tradeAtMs = Number.POSITIVE_INFINITY
      planTrade(atMs - clock.now())
    }
  }

  /** Repeats until Redis answers; meanwhile only what was granted goes. Null: closed. */
  async function untilAnswered(message: Parameters<typeof trade>[0]): Promise<ExchangeReply | null> {
    for (;;) {
      if (closed) return null
      try {
        const reply = await trade(message)
        return closed ? null : reply
      } catch (error) {
        if (closed) return null
        onError(error as Error)
        await new Promise<void>((resolve) => void clock.after(retryMs, resolve))
      }
    }
  }

  function take(reply: ExchangeReply, asked: readonly Waiter[]): void {
    const nowMs = (askedAtMs = clock.now())
    // A refusal that came during the exchange is not in its reply.
    mode = answers.urgent() ? 'starting' : reply.mode
    if (mode === 'free') freeAgainMs = reply.againMs
    onMode(mode)
    mostTokens = reply.mostTokens
    if (reply.epoch !== epoch && reply.heldMs > 0) askAgain()
    epoch = reply.epoch
    grantAll(reply, asked, nowMs)
    for (const waiter of waiting.filter(({ tokens }) => tokens > mostTokens)) {
      remove(waiting, waiter)
      waiter.fail(tooLarge(waiter.tokens))
    }
    letGo()
  }

  /** What was granted before a refusal was known goes back to the head of the line. */
  function askAgain(): void {
    const taken = granted.splice(0)
    for (const { tokens } of taken) {
      hold(-1, -tokens)
      answers.giveBack(tokens)
    }
    waiting.unshift(...taken)
  }

  function grantAll(reply: ExchangeReply, asked: readonly Waiter[], nowMs: number): void {
    let { requests, tokens } = reply.granted
    reply.delaysMs.forEach((delayMs, i) => {
      const waiter = asked[i]
      if (waiter === undefined || delayMs < 0) return
      requests += 1
      tokens += waiter.tokens
      if (!remove(waiting, waiter)) return answers.giveBack(waiter.tokens)
      waiter.goAtMs = nowMs + delayMs
      waiter.mark = { requests, tokens, settled: reply.settled, limits: reply.limits }
      hold(1, waiter.tokens)
      granted.push(waiter)
    })
  }

  function letGo(): void {
    cancelGo()
    const nowMs = clock.now()
    while (granted[0] !== undefined && granted[0].goAtMs <= nowMs) {
      const { tokens, mark, go } = granted.shift()!
      go({ model, tokens, goneAtMs: nowMs, mark })
    }
    const [next] = granted
    if (next !== undefined) cancelGo = clock.after(next.goAtMs - nowMs, letGo)
  }

  function tooLarge(tokens: number): QuotaTooLargeError {
    return new QuotaTooLargeError(`The call needs ${tokens} tokens; the limit is ${Math.floor(mostTokens)}.`)
  }
}

function closedError(): Error {
  return new Error('The quota is closed.')
}

function remove<T>(list: T[], one: T): boolean {
  const at = list.indexOf(one)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}
