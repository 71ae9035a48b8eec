import { createHash } from 'node:crypto'

const windowsKept = 600

/** What was served, by content and by second. Texts are kept as 64-bit hashes: a million of them take about 40 MB. */
export interface Stats {
  arrived(now: number): void
  admitted(now: number): void
  /** An answer was made, and so would be billed. */
  paid(text: string, tokens: number): void
  refused(kind: string): void
  failed(kind: string): void
  left(): void
  ended(): void
  snapshot(withContent: boolean): object
  reset(): void
}

export function createStats(): Stats {
  let counts = zero()
  let inFlight = 0
  let firstArrivedAt: number | null = null
  let content = new Map<bigint, number>()
  let refusals = new Map<string, number>()
  let failures = new Map<string, number>()
  let times: number[] = []
  let seconds = new Map<number, number>()
  let most = { second: 0, minute: 0 }
  const count = (map: Map<string, number>, kind: string) => map.set(kind, (map.get(kind) ?? 0) + 1)

  return {
    arrived(now) {
      firstArrivedAt ??= now
      counts.requests += 1
      inFlight += 1
      counts.most_in_flight = Math.max(counts.most_in_flight, inFlight)
    },
    admitted(now) {
      counts.admitted += 1
      const second = Math.floor(now / 1_000)
      seconds.set(second, (seconds.get(second) ?? 0) + 1)
      if (seconds.size > windowsKept) seconds.delete(seconds.keys().next().value!)
      times.push(now)
      if (times.length > 200_000) times = times.slice(100_000)
      most = { second: Math.max(most.second, within(now, 1_000)), minute: Math.max(most.minute, within(now, 60_000)) }
    },
    paid(text, tokens) {
      counts.paid += 1
      counts.tokens += tokens
      const key = createHash('sha1').update(text).digest().readBigUInt64BE()
      const before = content.get(key) ?? 0
      if (before > 0) counts.paid_again += 1
      content.set(key, before + 1)
    },
    refused(kind) {
      counts.refused += 1
      count(refusals, kind)
    },
    failed: (kind) => void count(failures, kind),
    left() {
      counts.client_left += 1
    },
    ended() {
      inFlight -= 1
    },
    snapshot: (withContent) => ({
      ...counts,
      in_flight: inFlight,
      first_arrived_at: firstArrivedAt,
      refusals: Object.fromEntries(refusals),
      faults: Object.fromEntries(failures),
      most_in_a_second: most.second,
      most_in_a_minute: most.minute,
      per_second: [...seconds].map(([second, calls]) => ({ second, calls })),
      distinct_texts: content.size,
      ...(withContent
        ? { content: Object.fromEntries([...content].map(([key, paid]) => [key.toString(16), paid])) }
        : {}),
    }),
    reset() {
      counts = zero()
      firstArrivedAt = null
      content = new Map()
      refusals = new Map()
      failures = new Map()
      times = []
      seconds = new Map()
      most = { second: 0, minute: 0 }
    },
  }

  /** Admitted in the sliding window that ends now; `times` is in order. */
  function within(now: number, windowMs: number): number {
    let low = 0
    let high = times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (times[middle]! > now - windowMs) high = middle
      else low = middle + 1
    }
    return times.length - low
  }
}

function zero() {
  return { requests: 0, admitted: 0, paid: 0, paid_again: 0, tokens: 0, refused: 0, client_left: 0, most_in_flight: 0 }
}
