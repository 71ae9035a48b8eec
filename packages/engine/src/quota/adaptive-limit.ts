import type { Extract } from '@sluice/contract/extract-function'
import { type Call, paid } from '@sluice/contract/outcome'
import type { QuotaMode } from './exchange.ts'
import { add, fade, fit, noSamples } from './line-fit.ts'

// The calls in flight of a lane whose provider tells no limit: additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the
// Increase and Decrease Algorithms for Congestion Avoidance in Computer Networks", 1989). Two signs say that there are too many: refusals,
// and the normalised delay gradient (Jain, "A Delay-Based Approach for Congestion Avoidance in Interconnected Heterogeneous Computer
// Networks", ACM CCR 19(5), 1989): by how many per cent latency grows when the calls in flight grow by one. At 0 more calls are all gain,
// at 1 they only wait for each other. So no unloaded latency has to be remembered, as by Vegas or BBR, which longer texts or a slow hour
// would make worthless. Latencies of single calls differ severalfold, so the gradient is that of a line fitted to many of them, taken at
// two levels in turn, and nothing is done until its standard error allows.

/** Between the two levels. */
const swing = 1.25
/** Here ten per cent more calls bring but 2.5 % more answers. Where latency is 1 + n / 20 that is 60 calls: 0.9 of what 100 bring. */
const tooSteep = 0.75
/** While the level doubles a knee half-way shows half. */
const tooSteepToDouble = 0.5
const firstLevel = 10
/** One cut. Those in a row grow to a half each: from 100 calls to the one that a server can take in about ten. */
const cutTo = 0.8
/** After a refusal (Netflix concurrency-limits, AIMDLimit, `backoffRatio`). */
const refusedCutTo = 0.9
/** Of the last 30 or so: at 3 % of failures that have nothing to do with load, it is passed once in many thousand calls. */
const failingShare = 0.15
/** At the upper bound one round in so many is spent below it, to see that latency still does not grow: costs 0.6 % of the throughput. */
const mostRest = 32

export interface AdaptiveLimit {
  /** A call goes. What is returned takes what it ended in, null when it was given up. */
  readonly begin: () => (call: Call | null) => void
  /** How the lane's quota lets calls go. Adapts only while `free`; before and beside that there is room for `most` calls. */
  readonly heard: (mode: QuotaMode) => void
}

/** The same function, each call reported to `limit`. */
export function watched(extract: Extract, limit: AdaptiveLimit): Extract {
  return async (request, options) => {
    const end = limit.begin()
    let call: Call | null = null
    try {
      call = await extract(request, options)
      return call
    } finally {
      end(call)
    }
  }
}

export interface AdaptiveLimitOptions {
  readonly most: number
  /** Gets how many calls may be in flight. */
  readonly resize: (limit: number) => void
  /** In ms; the wall clock, so that all workers of a lane raise and lower at the same time and each sees what all of them do. */
  readonly now?: () => number
}

export function createAdaptiveLimit({
  most,
  resize,
  now = () => performance.timeOrigin + performance.now(),
}: AdaptiveLimitOptions): AdaptiveLimit {
  /** The lower level; the upper one is a quarter more. */
  const highest = Math.max(1, most / swing)
  let level = highest
  let phase: 'off' | 'doubling' | 'seeking' = 'off'
  /** One round in so many is spent at the lower level. */
  let rest = 2
  let cut = cutTo
  let samples = noSamples
  /** Part of the latest calls that failed. */
  let failing = 0
  /** The last cut after a refusal, and the level before it. */
  let refused = { atMs: 0, level: 0 }
  let inFlight = 0
  /** The integral of the calls in flight over time. */
  let area = 0
  let areaAtMs = now()
  let round = noRound

  return {
    begin() {
      const beganAtMs = advance()
      const areaThen = area
      inFlight += 1
      return (call) => {
        const nowMs = advance()
        inFlight -= 1
        if (call !== null && phase !== 'off') take(call, beganAtMs, nowMs, (area - areaThen) / (nowMs - beganAtMs))
      }
    },
    heard(mode) {
      if (mode === 'paced' && phase !== 'off') {
        phase = 'off'
        resize(most)
      } else if ((mode === 'free' || mode === 'learned') && phase === 'off') {
        phase = 'doubling'
        round = noRound
        move(Math.max(firstLevel, inFlight) / swing)
      }
    },
  }

  function advance(): number {
    const nowMs = now()
    area += inFlight * (nowMs - areaAtMs)
    areaAtMs = nowMs
    return nowMs
  }

  function take(call: Call, beganAtMs: number, nowMs: number, meanInFlight: number): void {
    const answered = paid(call) === 'yes'
    if (answered || call.outcome.type === 'unavailable') failing += ((answered ? 0 : 1) - failing) / 30
    const tooMuch =
      call.outcome.type === 'rate-limited' || (call.outcome.type === 'unavailable' && failing > failingShare)
    // Calls that went before a cut tell nothing of what it did.
    if (tooMuch && beganAtMs >= refused.atMs) {
      refused = { atMs: nowMs, level }
      phase = 'seeking'
      rest = 2
      samples = noSamples
      move(level * refusedCutTo)
    }
    if (!answered || nowMs <= beganAtMs) return
    const tookMs = nowMs - beganAtMs
    if (round === noRound) return startRound(nowMs, tookMs)
    // Begun and ended in one round: so long ones are left out at both levels alike, and none saw both. Doubling cannot wait for that:
    // at 5 s a call it took three minutes to 100 calls, and takes 45 s so.
    if (beganAtMs >= round.atMs || phase === 'doubling') {
      samples = add(samples, Math.log(meanInFlight), Math.log(tookMs))
      round.answers += 1
      round.sumMs += tookMs
    }
    const over = phase === 'doubling' || Math.floor(nowMs / round.ms) !== round.number
    if (over && round.answers >= level * swing) endRound(nowMs)
  }

  function endRound(nowMs: number): void {
    const { slope, error } = fit(samples)
    // With fewer calls in flight than allowed nothing is learned of more.
    const busy = area - round.area > 0.7 * level * (nowMs - round.atMs)
    if (phase === 'doubling') {
      samples = fade(samples, 0.25)
      if (slope - error > tooSteepToDouble) {
        samples = noSamples
        level /= 2
        phase = 'seeking'
      } else if (busy) {
        level *= 2
        if (level >= highest) phase = 'seeking'
      }
    } else if (nearRefused()) {
      if (busy) level += level < 0.9 * refused.level ? Math.sqrt(level) : 1
    } else if (round.number % rest !== 1) {
      if (round.number % rest !== 0) samples = noSamples
    } else if (slope - error > tooSteep) {
      samples = noSamples
      level *= cut
      cut = Math.max(0.5, cut * cutTo)
      rest = 2
    } else if (slope + error < tooSteep && busy) {
      samples = noSamples
      if (level >= highest) rest = Math.min(mostRest, rest * 2)
      // As Netflix's Gradient lets the limit grow. Less than in proportion, so workers with different levels draw near.
      level += Math.sqrt(level)
      cut = cutTo
    } else {
      samples = fade(samples, 0.9)
    }
    startRound(nowMs, round.sumMs / round.answers)
  }

  function startRound(nowMs: number, latencyMs: number): void {
    // A power of two, so that workers that see somewhat different latencies have the same rounds.
    const ms = 2 ** Math.ceil(Math.log2(3 * latencyMs))
    round = { ms, number: Math.floor(nowMs / ms), atMs: nowMs, area, answers: 0, sumMs: 0 }
    move(level)
  }

  /** Where refusals tell the limit there is no need to look for it by latency. */
  function nearRefused(): boolean {
    return level < Math.min(highest, 1.1 * refused.level)
  }

  function move(to: number): void {
    level = Math.max(1, Math.min(highest, to))
    const lower = phase === 'seeking' && !nearRefused() && round.number % rest === 1
    resize(Math.min(most, lower ? Math.floor(level) : Math.ceil(level * swing)))
  }
}

interface Round {
  readonly ms: number
  /** Since 1970: the same on all workers. */
  readonly number: number
  readonly atMs: number
  readonly area: number
  answers: number
  sumMs: number
}

const noRound: Round = { ms: Number.POSITIVE_INFINITY, number: 0, atMs: 0, area: 0, answers: 0, sumMs: 0 }
