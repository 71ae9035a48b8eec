import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { type Clock, systemClock } from './clock.ts'
import type { ConfiguredLimit } from './configured-limits.ts'
import { exchange, type ExchangeMessage, type ExchangeReply, type QuotaMode } from './exchange.ts'
import { createModelLine, type ModelLine } from './model-line.ts'
import type { Quota } from './quota.ts'

/** Lines of models that extractors named once are closed when there are more than so many. */
const mostLines = 50

export interface QuotaDependencies {
  readonly redis: Redis
  readonly key: string
  readonly limits: readonly ConfiguredLimit[]
  /** Calls in flight of the lane, by all processes and models. */
  readonly maxInFlight?: number
  readonly longestWaitMs: number
  /** Called with every exchange, before calls go by it. */
  readonly onMode?: (mode: QuotaMode) => void
  readonly onError: (error: Error) => void
  readonly clock?: Clock
  readonly send?: (model: string, message: ExchangeMessage) => Promise<ExchangeReply>
}

/** The quota of a lane: a line of waiting calls for each model, and exchanges with Redis (exchange.lua) that grant the first of them. */
export function createQuota(dependencies: QuotaDependencies): Quota {
  const { redis, key, limits, maxInFlight, longestWaitMs, onMode, onError, clock = systemClock } = dependencies
  const send = dependencies.send ?? ((model, message) => exchange(redis, key, model, message))
  const by = randomUUID()
  const lines = new Map<string, ModelLine>()
  const modes = new Map<string, QuotaMode>()
  const mostTokens = Math.min(...limits.map(({ kind, most }) => (kind === 'tokens' ? most : Number.POSITIVE_INFINITY)))
  let laneHeld = 0
  let closed = false

  return {
    async reserve({ model, tokens }, { signal }) {
      if (closed) throw new Error('The quota is closed.')
      return lineOf(model).reserve(tokens, signal)
    },
    settle(reservation, call) {
      const line = lineOf(reservation.model)
      if (call !== null) line.answers.add(reservation, call, clock.now())
      line.settled(reservation)
    },
    release: (reservation) => lineOf(reservation.model).release(reservation),
    async [Symbol.asyncDispose]() {
      closed = true
      for (const line of lines.values()) line.close()
    },
  }

  function lineOf(model: string): ModelLine {
    let line = lines.get(model)
    if (line === undefined) {
      if (lines.size >= mostLines) closeIdleLines()
      line = openLine(model)
      lines.set(model, line)
    }
    return line
  }

  function openLine(model: string): ModelLine {
    return createModelLine({
      model,
      clock,
      mostTokens,
      boundsInFlight: maxInFlight !== undefined,
      trade: (message) =>
        send(model, {
          by,
          limits,
          longestWaitMs,
          laneHeld,
          ...(maxInFlight === undefined ? {} : { maxInFlight }),
          ...message,
        }),
      onHeld(change) {
        laneHeld += change
      },
      onMode(mode) {
        modes.set(model, mode)
        onMode?.(widest([...modes.values()]))
      },
      onError,
    })
  }

  function closeIdleLines(): void {
    for (const [model, line] of lines) {
      if (!line.idle()) continue
      line.close()
      lines.delete(model)
      modes.delete(model)
    }
  }
}

/** Of several models: the calls in flight adapt as long as one of them has no limit that is reported. */
function widest(modes: readonly QuotaMode[]): QuotaMode {
  for (const mode of ['free', 'learned', 'paced', 'counted'] as const) if (modes.includes(mode)) return mode
  return 'starting'
}
