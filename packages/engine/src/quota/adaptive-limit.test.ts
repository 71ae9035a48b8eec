import type { Call, Outcome } from '@sluice/contract/outcome'
import { describe, expect, test } from 'vitest'
import { createAdaptiveLimit } from './adaptive-limit.ts'

const most = 100
const startMs = 1_790_000_000_000
const extracted: Outcome = { type: 'extracted', data: {} }
const refusal: Outcome = { type: 'rate-limited', message: '', retryAfterMs: 10, scope: null }
const overloaded: Outcome = { type: 'unavailable', message: '', retryAfterMs: null, timedOut: false, answered: true }

interface Server {
  /** Of a call that begins with so many in flight, itself one of them. */
  latencyMs(inFlight: number, atMs: number): number
  /** Null: it is taken. A refusal comes after 4 ms. */
  refuse?(inFlight: number, atMs: number): Outcome | null
  /** Sigma of the log-normal distribution. */
  readonly spread: number
}

interface Ran {
  readonly perSecond: number
  readonly inFlight: number
  readonly refused: number
}

/** Calls without end at a server in virtual time, by workers that adapt, or by one with a fixed number in flight; counted from `fromS` on. */
function run(
  server: Server,
  { forS = 180, fromS = 60, workers = 1, fixed }: { forS?: number; fromS?: number; workers?: number; fixed?: number },
): Ran {
  const random = createRandom(7)
  const events: { atMs: number; act: () => void }[] = []
  const at = (atMs: number, act: () => void) => {
    let index = events.length
    while (index > 0 && events[index - 1]!.atMs < atMs) index -= 1
    events.splice(index, 0, { atMs, act })
  }
  let nowMs = startMs
  let inFlight = 0
  let heldUntilMs = 0
  let area = 0
  const counts = { answered: 0, refused: 0 }
  const all = Array.from({ length: fixed === undefined ? workers : 1 }, () => {
    const worker = { room: fixed ?? most, taken: 0, limit: null as ReturnType<typeof createAdaptiveLimit> | null }
    if (fixed === undefined) {
      worker.limit = createAdaptiveLimit({ most, resize: (room) => (worker.room = room), now: () => nowMs })
      worker.limit.heard('free')
    }
    return worker
  })

  function fill(): void {
    for (const worker of all) {
      while (worker.taken < worker.room && nowMs >= heldUntilMs) begin(worker)
    }
  }

  function begin(worker: (typeof all)[number]): void {
    worker.taken += 1
    inFlight += 1
    const end = worker.limit?.begin()
    const refused = server.refuse?.(inFlight, nowMs) ?? null
    const tookMs = refused === null ? server.latencyMs(inFlight, nowMs) * Math.exp(server.spread * normal(random)) : 4
    at(nowMs + tookMs, () => {
      inFlight -= 1
      if (nowMs >= startMs + fromS * 1_000) counts[refused === null ? 'answered' : 'refused'] += 1
      end?.({ outcome: refused ?? extracted } as Call)
      const giveBack = () => {
        worker.taken -= 1
      }
      if (refused?.type === 'unavailable') return at(nowMs + 250, giveBack)
      if (refused?.type === 'rate-limited') heldUntilMs = nowMs + (refused.retryAfterMs ?? 0)
      return giveBack()
    })
    if (refused?.type === 'rate-limited') at(nowMs + 15, () => {})
  }

  fill()
  while (nowMs < startMs + forS * 1_000) {
    const { atMs, act } = events.pop()!
    if (atMs > startMs + fromS * 1_000) area += inFlight * (atMs - Math.max(nowMs, startMs + fromS * 1_000))
    nowMs = atMs
    act()
    fill()
  }
  return {
    perSecond: counts.answered / (forS - fromS),
    inFlight: area / ((forS - fromS) * 1_000),
    refused: counts.refused / (counts.answered + counts.refused),
  }
}

function bestFixed(server: Server): number {
  const settings = [1, 2, 4, 8, 15, 20, 25, 40, 60, 80, 100]
  return Math.max(...settings.map((fixed) => run(server, { fixed, fromS: 30, forS: 90 }).perSecond))
}

const knee = (capacity: number, spread = 0.25): Server => ({
  latencyMs: (inFlight) => 300 * Math.max(1, inFlight / capacity),
  spread,
})
const flat = (spread: number): Server => ({ latencyMs: () => 300, spread })

describe('the calls in flight where no limit is known', () => {
  test.each([
    ['at 20 calls', knee(20), 28],
    ['at 20 calls, with latencies that differ sevenfold', knee(20, 0.6), 55],
    ['at 4 calls', knee(4), 12],
    ['at 60 calls', knee(60), 75],
    ['at one call', knee(1), 10],
    [
      'soft: each call is slowed by each other one',
      { latencyMs: (n: number) => 300 * (1 + n / 20), spread: 0.25 },
      100,
    ],
  ])('settle near the knee %s', (_, server, highest) => {
    const { perSecond, inFlight } = run(server, { fromS: 90, forS: 240 })
    expect(perSecond).toBeGreaterThan(0.9 * bestFixed(server))
    expect(inFlight).toBeLessThan(highest)
  })

  test('are all that is allowed where latency does not grow, however much it differs from call to call', () => {
    for (const spread of [0, 0.25, 0.8]) expect(run(flat(spread), { fromS: 20 }).inFlight).toBeGreaterThan(0.98 * most)
  })

  test('reach all that is allowed within ten latencies', () => {
    const slow: Server = { latencyMs: () => 5_000, spread: 0.25 }
    expect(run(slow, { fromS: 50, forS: 200 }).inFlight).toBeGreaterThan(0.95 * most)
  })

  test('stay when calls become slower for reasons of their own', () => {
    const server: Server = { latencyMs: (_, atMs) => (inMinute(atMs, 1) ? 1_500 : 300), spread: 0.4 }
    expect(run(server, { fromS: 30 }).inFlight).toBeGreaterThan(0.95 * most)
  })

  test('follow a server that loses most of its capacity, and come back with it', () => {
    const server: Server = {
      latencyMs: (inFlight, atMs) => 300 * Math.max(1, inFlight / (inMinute(atMs, 1) ? 20 : 80)),
      spread: 0.25,
    }
    expect(run(server, { fromS: 100, forS: 120 }).inFlight).toBeLessThan(45)
    expect(run(server, { fromS: 150, forS: 240 }).perSecond).toBeGreaterThan(0.9 * bestFixed(knee(80)))
  })

  test('are shared by workers that know nothing of each other', () => {
    const { perSecond, inFlight } = run(knee(20), { workers: 4, forS: 240, fromS: 120 })
    expect(perSecond).toBeGreaterThan(0.9 * bestFixed(knee(20)))
    expect(inFlight).toBeLessThan(60)
  })

  test.each([
    ['of 1 s', 1, 200],
    ['of 1 s, four workers', 4, 200],
    ['of 0.1 s', 1, 20],
  ])('use a limit of 200 a second that nobody tells, with a burst %s, and are hardly refused', (_, workers, burst) => {
    const { perSecond, refused } = run({ ...flat(0.25), refuse: bucket(200, burst) }, { workers, fromS: 10 })
    expect(perSecond).toBeGreaterThan(0.95 * 200)
    expect(refused).toBeLessThan(workers === 1 ? 0.01 : 0.04)
  })

  test('settle below what a server sheds with 503', () => {
    const server: Server = { ...flat(0.25), refuse: (inFlight) => (inFlight > 20 ? overloaded : null) }
    const { perSecond, refused } = run(server, {})
    expect(perSecond).toBeGreaterThan(0.85 * bestFixed(flat(0.25)) * (20 / most))
    expect(refused).toBeLessThan(0.1)
  })

  test('do not fall for single failures, and come back after an outage', () => {
    const random = createRandom(3)
    const server: Server = {
      ...flat(0.25),
      refuse: (_, atMs) => (random() < 0.03 || (inMinute(atMs, 2) && atMs % 60_000 < 20_000) ? overloaded : null),
    }
    expect(run(server, { fromS: 20, forS: 110 }).perSecond).toBeGreaterThan(
      0.9 * run(flat(0.25), { fixed: most }).perSecond,
    )
    expect(run(server, { fromS: 220, forS: 260 }).inFlight).toBeGreaterThan(0.9 * most)
  })

  test('are never touched where the limit is known, and free again when it becomes known', () => {
    const rooms: number[] = []
    const limit = createAdaptiveLimit({ most, resize: (room) => rooms.push(room) })
    for (let i = 0; i < 500; i += 1) {
      limit.heard(i % 2 === 0 ? 'starting' : 'paced')
      limit.begin()({ outcome: refusal } as Call)
    }
    expect(rooms).toEqual([])
    limit.heard('free')
    limit.heard('paced')
    expect(rooms).toEqual([10, most])
  })

  test('are one where one is allowed', () => {
    const rooms: number[] = []
    const limit = createAdaptiveLimit({ most: 1, resize: (room) => rooms.push(room) })
    limit.heard('free')
    for (let i = 0; i < 20; i += 1) limit.begin()({ outcome: i % 2 === 0 ? refusal : extracted } as Call)
    expect(new Set(rooms)).toEqual(new Set([1]))
  })
})

function inMinute(atMs: number, minute: number): boolean {
  return Math.floor((atMs - startMs) / 60_000) === minute
}

function bucket(perSecond: number, holds: number): (inFlight: number, atMs: number) => Outcome | null {
  let level = holds
  let filledAtMs = startMs
  return (_, atMs) => {
    level = Math.min(holds, level + ((atMs - filledAtMs) * perSecond) / 1_000)
    filledAtMs = atMs
    if (level < 1) return refusal
    level -= 1
    return null
  }
}

/** Mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
