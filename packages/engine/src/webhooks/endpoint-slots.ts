/** Requests of one process to one endpoint at once, so that a slow endpoint does not take those of others. */
const atOnce = 4
/** Of the time until a delivery that found no slot asks again: between a fast endpoint, and one that answers nothing for 10 seconds. */
const leastGapMs = 5
const mostGapMs = 2_500
/** Endpoints without requests that are remembered. */
const idleKept = 1_000

type Slot =
  | { readonly type: 'free'; readonly release: (tookMs: number) => void }
  /** Ask again at this time, unix ms. */
  | { readonly type: 'busy'; readonly freeAt: number }

export interface EndpointSlots {
  take(endpointId: string): Slot
}

interface State {
  inUse: number
  /** Of the last request. */
  tookMs: number
  /** The time that was given last to a delivery that found no slot. */
  lastFreeAt: number
}

/** Each delivery that waits gets its own time to ask again, so a thousand of them cost no more than the endpoint answers. */
export function createEndpointSlots(now: () => number = Date.now): EndpointSlots {
  const states = new Map<string, State>()

  return {
    take(endpointId) {
      const state = states.get(endpointId) ?? { inUse: 0, tookMs: 100, lastFreeAt: 0 }
      states.delete(endpointId)
      states.set(endpointId, state)
      if (state.inUse >= atOnce) {
        const gapMs = Math.min(mostGapMs, Math.max(leastGapMs, state.tookMs / atOnce))
        state.lastFreeAt = Math.max(now(), state.lastFreeAt) + gapMs
        return { type: 'busy', freeAt: Math.ceil(state.lastFreeAt) }
      }
      state.inUse += 1
      forgetIdle()
      return {
        type: 'free',
        release(tookMs) {
          state.inUse -= 1
          state.tookMs = tookMs
        },
      }
    },
  }

  function forgetIdle(): void {
    for (const [id, { inUse }] of states) {
      if (states.size <= idleKept) return
      if (inUse === 0) states.delete(id)
    }
  }
}
