import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../apps/simulator/src/random.ts'
import { blows } from './blows.ts'
import { type ChaosSystem, startChaosSystem } from './chaos-system.ts'
import { workerConcurrency } from './crew.ts'
import { createPatientClient, type PatientClient } from './patient-client.ts'
import { checkBatches, checkPayments } from './promises.ts'
import { startWorkload, type Workload } from './workload.ts'

export interface ChaosOptions {
  /** The same seed gives the same blows in the same order with the same pauses. */
  readonly seed: number
  readonly items: number
  readonly workers: number
  /** For how long blows are injected. */
  readonly seconds: number
  /** Instead of `seconds`: how many. */
  readonly blows?: number
  /** Small batches in addition to the three large ones. */
  readonly smallBatches?: number
  /** Only blows whose name contains this. */
  readonly only?: string
  readonly say: (line: string) => void
}

export interface ChaosReport {
  readonly seed: number
  readonly struck: Readonly<Record<string, number>>
  readonly items: number
  readonly succeeded: number
  readonly failed: number
  readonly seconds: number
  /** From the last blow to the end of the last batch. */
  readonly secondsToEnd: number
  readonly paid: number
  /** Calls that the simulator counted as paid again for the same text. */
  readonly paidAgain: number
  readonly repeatedCalls: number
  /** Promises that were not kept, in words. Empty: all were kept. */
  readonly broken: readonly string[]
}

/** Without one more result for so long after the last blow, the run is stuck. */
const stuckMs = 120_000
/** What a blow and the pause after it take on average. */
const blowSeconds = 5

/** Runs three large batches and many small ones on real processes while they are killed, frozen and disconnected, then checks every promise. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, workers, say, smallBatches = 200 } = options
  const random = createRandom(seed)
  const small = Array.from({ length: smallBatches }, () => 1 + Math.floor(random() * 3))
  const sizes = [0.6, 0.3, 0.1].map((part) => Math.ceil(options.items * part)).concat(small)
  const items = sizes.reduce((sum, size) => sum + size, 0)
  await using system = await startChaosSystem({ seed, workers, latencyMs: latencyFor(items, options) })
  const over = new AbortController()
  const client = createPatientClient(system.crew.apiUrl, over.signal)
  using _over = { [Symbol.dispose]: () => over.abort(new Error('The run is over.')) }

  const began = performance.now()
  const workload = await startWorkload(client, seed, sizes)
  const { struck, lost, broken: brokenByBlows } = await injectBlows(options, { system, client, random, began })
  const healed = performance.now()
  say(`${elapsed(began)} no more blows`)
  const late = await waitForEnd(workload, { client, over, batches: sizes.length })
  const ended = performance.now()
  if (late !== null) return { ...nothing, seed, items, struck, broken: [...brokenByBlows, late] }

  const { broken, ...totals } = await checkBatches(client, workload.batches())
  const stats = await system.stats()
  return {
    seed,
    struck,
    items,
    succeeded: totals.succeeded,
    failed: totals.failed,
    seconds: Math.round((ended - began) / 1_000),
    secondsToEnd: Math.round((ended - healed) / 100) / 10,
    paid: stats.paid,
    paidAgain: stats.paid_again,
    repeatedCalls: totals.repeatedCalls,
    broken: [...brokenByBlows, ...broken, ...checkPayments(stats, totals, lost)],
  }
}

interface Injecting {
  readonly system: ChaosSystem
  readonly client: PatientClient
  readonly random: () => number
  readonly began: number
}

/** Resolves to how often each blow was struck, and to the workers whose calls in flight have an unknown end. */
async function injectBlows(
  { seconds, blows: most, only = '', say }: ChaosOptions,
  { system, client, random, began }: Injecting,
): Promise<{ readonly struck: Record<string, number>; readonly lost: number; readonly broken: readonly string[] }> {
  const names = Object.keys(blows).filter((name) => name.includes(only))
  if (names.length === 0) throw new Error(`No fault has a name that contains '${only}'.`)
  const struck: Record<string, number> = {}
  const broken: string[] = []
  let [dealt, lost] = [0, 0]
  const goesOn = () => (most === undefined ? performance.now() - began < seconds * 1_000 : dealt < most)
  while (goesOn()) {
    dealt += 1
    const name = names[Math.floor(random() * names.length)]!
    const pauseMs = 300 + random() * 1_700
    say(`${elapsed(began)} ${name}`)
    struck[name] = (struck[name] ?? 0) + 1
    const dealtBlow = await blows[name]!({ ...system, random, resumeLane: () => client.resumeLane() })
    lost += dealtBlow.lost
    broken.push(...(dealtBlow.broken ?? []))
    await sleep(pauseMs)
  }
  return { struck, lost, broken }
}

/** Null when the results of every batch were read to their end; otherwise what is missing. */
async function waitForEnd(
  workload: Workload,
  { client, over, batches: submitted }: { client: PatientClient; over: AbortController; batches: number },
): Promise<string | null> {
  const stuck = new Error(`Nothing was stored or read for ${stuckMs / 1_000} s.`)
  let last = { done: -1, at: performance.now() }
  const watching = setInterval(() => {
    const done = workload.batches().reduce((sum, { seen }) => sum + 1 + seen.length, 0)
    if (done !== last.done) last = { done, at: performance.now() }
    else if (performance.now() - last.at > stuckMs) over.abort(stuck)
  }, 1_000)
  // A late rejection of the key may pause the lane again.
  const operator = setInterval(() => void client.resumeLane().catch(() => {}), 5_000)
  try {
    await workload.followed
    return null
  } catch (error) {
    const batches = workload.batches()
    const missing = batches.filter(({ seen, size }) => seen.length < size)
    const left = missing.slice(0, 20).map(({ id, seen, size }) => `${id} ${seen.length} of ${size}`)
    return `${String(error)} ${submitted - batches.length} batches are not stored, ${missing.length} not read to their end: ${left.join(', ')}`
  } finally {
    clearInterval(watching)
    clearInterval(operator)
  }
}

/** Chosen so that the work lasts a little longer than the blows. */
function latencyFor(items: number, { blows: most, seconds, workers }: ChaosOptions): number {
  const duration = most === undefined ? seconds : blowSeconds * most
  return Math.max(50, Math.round((1_000 * duration * workers * workerConcurrency) / items))
}

function elapsed(began: number): string {
  return `[${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s]`
}

const nothing = {
  succeeded: 0,
  failed: 0,
  seconds: 0,
  secondsToEnd: 0,
  paid: 0,
  paidAgain: 0,
  repeatedCalls: 0,
}
