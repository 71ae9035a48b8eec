import type { Clock } from '@sluice/engine/quota/clock'

/** Events in the order of their time, run as fast as the machine allows. */
export interface VirtualTime {
  readonly clock: Clock
  /** Runs `act` in so many ms. */
  after(ms: number, act: () => void): () => void
  sleep(ms: number): Promise<void>
  /** What happens outside of virtual time: no event runs before it has ended. */
  during<T>(work: Promise<T>): Promise<T>
  runUntil(ms: number, isDone?: () => boolean): Promise<void>
}

interface Event {
  readonly atMs: number
  readonly order: number
  act: (() => void) | null
}

export function createVirtualTime(random: () => number, startMs = 0): VirtualTime {
  let nowMs = startMs
  let order = 0
  const heap: Event[] = []
  const pending = new Set<Promise<unknown>>()

  const after = (ms: number, act: () => void) => {
    const event: Event = { atMs: nowMs + Math.max(0, ms), order: order++, act }
    push(heap, event)
    return () => {
      event.act = null
    }
  }
  return {
    clock: { now: () => nowMs, after, random },
    after,
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    async during(work) {
      pending.add(work)
      try {
        return await work
      } finally {
        pending.delete(work)
      }
    },
    async runUntil(ms, isDone = () => false) {
      await settle()
      while (!isDone()) {
        const next = heap[0]
        if (next === undefined || next.atMs > ms) break
        pop(heap)
        if (next.act === null) continue
        nowMs = next.atMs
        next.act()
        await settle()
      }
      if (!isDone()) nowMs = ms
    },
  }

  async function settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (pending.size > 0) {
      await Promise.allSettled(pending)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

const earlier = (a: Event, b: Event) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

function push(heap: Event[], event: Event): void {
  let i = heap.length
  heap.push(event)
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (earlier(heap[parent]!, event)) break
    heap[i] = heap[parent]!
    i = parent
  }
  heap[i] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child += 1
    if (!earlier(heap[child]!, last)) break
    heap[i] = heap[child]!
    i = child
  }
  heap[i] = last
}
