import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Result } from '@sluice/contract/result'
import { Redis } from 'ioredis'
import { run } from '@sluice/local/processes/app-process'
import { createRandom } from '../../apps/simulator/src/random.ts'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { blows, badAnswers } from './blows.ts'
import { startCrew, workerConcurrency } from './crew.ts'
import { createPatientClient } from './patient-client.ts'
import { startTcpProxy } from './tcp-proxy.ts'

export interface ChaosOptions {
  /** The same seed gives the same blows in the same order with the same pauses. */
  readonly seed: number
  readonly items: number
  readonly workers: number
  /** For how long blows are injected. */
  readonly seconds: number
  /** Instead of `seconds`: how many. */
  readonly blows?: number
  /** Small batches beside the three large ones. */
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

const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}
const endWithinMs = 180_000
/** How an item may fail after bad answers. */
const failures: readonly string[] = ['refused', 'truncated', 'filtered', 'invalid_output']

/** Runs three large batches and many small ones on real processes while they are killed, frozen and disconnected, then checks every promise. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, items, workers, seconds, say, smallBatches = 200 } = options
  const random = createRandom(seed)
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await startOwnRedis())
  const proxy = stack.use(await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(redis.url).port) }))
  const admin = stack.adopt(new Redis(redis.url, { maxRetriesPerRequest: null }), (it) => it.disconnect())
  admin.on('error', () => {})
  const simulator = stack.use(
    await run(
      'simulator',
      {
        SIMULATOR_PORT: '0',
        SIMULATOR_LATENCY_MS: String(
          latencyFor(items, workers, options.blows === undefined ? seconds : 5 * options.blows),
        ),
        SIMULATOR_SEED: String(seed),
      },
      /(http:\/\/127\.0\.0\.1:\d+)/,
    ),
  )
  const simulatorUrl = simulator.ready[1]!
  const crew = stack.use(
    await startCrew(
      {
        REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
        OPENAI_BASE_URL: `${simulatorUrl}/v1`,
        OPENAI_API_KEY: 'none',
        SLUICE_MODEL: 'simulator',
        SLUICE_TIMEOUT_MS: '20000',
        SLUICE_GRACE_S: '0.5',
      },
      workers,
    ),
  )
  const over = new AbortController()
  stack.defer(() => over.abort(new Error('The run is over.')))
  const client = createPatientClient(crew.apiUrl, over.signal)
  const setFaults = async (rates: Record<string, number>) => {
    await fetch(`${simulatorUrl}/_simulator/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rates }),
    })
  }

  const began = performance.now()
  const small = Array.from({ length: smallBatches }, () => 1 + Math.floor(random() * 3))
  const sizes = [Math.ceil(items * 0.6), Math.ceil(items * 0.3), Math.ceil(items * 0.1), ...small]
  const batches = await Promise.all(
    sizes.map(async (size, number) => {
      const texts = Array.from(
        { length: size },
        (_, i) => `My name is Bob and I am ${i % 90} years old. Batch ${number}, text ${i}.`,
      )
      const { id } = await client.submit(`chaos-${seed}-${number}`, { extractor: { schema }, items: texts })
      const seen: Result[] = []
      const followed = client.follow(id, (result) => seen.push(result))
      followed.catch(() => {})
      return { id, size, seen, followed }
    }),
  )

  const struck: Record<string, number> = {}
  let lost = 0
  const names = Object.keys(blows).filter((name) => name.includes(options.only ?? ''))
  let dealt = 0
  const goesOn = () =>
    options.blows === undefined ? performance.now() - began < seconds * 1_000 : dealt < options.blows
  while (goesOn()) {
    dealt += 1
    const name = names[Math.floor(random() * names.length)]!
    const pause = 500 + random() * 2_500
    say(`${elapsed(began)} ${name}`)
    struck[name] = (struck[name] ?? 0) + 1
    lost += (
      await blows[name]!({ crew, redis, admin, proxy, setFaults, random, resumeLane: () => client.resumeLane() })
    ).lost
    await sleep(pause)
  }
  const healed = performance.now()
  say(`${elapsed(began)} no more blows`)

  const deadline = AbortSignal.timeout(endWithinMs)
  deadline.addEventListener('abort', () =>
    over.abort(new Error(`Not all batches ended within ${endWithinMs / 1_000} s.`)),
  )
  // A late rejection of the key may pause the lane again.
  const operator = setInterval(() => void client.resumeLane().catch(() => {}), 5_000)
  stack.defer(() => clearInterval(operator))
  const broken: string[] = []
  await Promise.all(batches.map(({ followed }) => followed)).catch((error: unknown) => {
    broken.push(
      `${String(error)} ${JSON.stringify(batches.map(({ id, seen, size }) => ({ id, seen: seen.length, size })))}`,
    )
  })
  const ended = performance.now()
  if (broken.length > 0) return { ...empty(seed, items), struck, broken }

  let succeeded = 0
  let failed = 0
  let repeatedCalls = 0
  for (const { id, size, seen } of batches) {
    const batch = await client.batch(id)
    const final = await client.all(id)
    const { total, ...parts } = batch.counts
    const promise = (kept: boolean, what: string) => {
      if (!kept) broken.push(`${id}: ${what}`)
    }
    promise(total === size, `it has ${total} of ${size} items`)
    promise(
      Object.values(parts).reduce((sum, one) => sum + one, 0) === total,
      `its counts do not add up: ${JSON.stringify(batch.counts)}`,
    )
    promise(parts.succeeded + parts.failed === size, `not every item has ended: ${JSON.stringify(batch.counts)}`)
    promise(
      final.length === size && final.every(({ index }, i) => index === i),
      `${final.length} of ${size} results in input order, or not in order`,
    )
    promise(
      new Set(seen.map(({ index }) => index)).size === seen.length,
      'a result was delivered twice in order of completion',
    )
    promise(seen.length === size, `${seen.length} of ${size} results were delivered in order of completion`)
    const changed = seen.filter((one) => !isDeepStrictEqual(withoutCursor(one), withoutCursor(final[one.index])))
    promise(changed.length === 0, `${changed.length} results changed after they were read`)
    promise(
      final.every(({ status, data }, i) => status !== 'succeeded' || (data as { age: number }).age === i % 90),
      'a result belongs to another item',
    )
    const wrong = final.filter(({ error }) => error && !failures.includes(error.type))
    promise(wrong.length === 0, `items failed as ${JSON.stringify(wrong.map(({ error }) => error))}`)
    succeeded += parts.succeeded
    failed += parts.failed
    repeatedCalls += batch.usage.repeated_calls
  }
  const stats = (await (await fetch(`${simulatorUrl}/_simulator/stats`)).json()) as {
    paid: number
    paid_again: number
    faults: Record<string, number>
  }
  const faults = (names: readonly string[]) => names.reduce((sum, name) => sum + (stats.faults[name] ?? 0), 0)
  const bad = faults(badAnswers)
  if (stats.paid_again > repeatedCalls + bad)
    broken.push(
      `${stats.paid_again} calls were paid again, but ${repeatedCalls} counted as repeated and ${bad} asked again`,
    )
  const unknown =
    lost * Math.ceil(workerConcurrency * 1.1) + faults(['cut', 'cut_after', 'hang', 'html', 'broken_body'])
  if (repeatedCalls > unknown)
    broken.push(`${repeatedCalls} calls were repeated, but at most ${unknown} had an unknown end`)
  // The provider failed only for seconds, too short to use up the eight tries of an item.
  if (failed > bad) broken.push(`${failed} items failed, but only ${bad} answers were bad`)
  return {
    seed,
    struck,
    items: batches.reduce((sum, { size }) => sum + size, 0),
    succeeded,
    failed,
    seconds: Math.round((ended - began) / 1_000),
    secondsToEnd: Math.round((ended - healed) / 100) / 10,
    paid: stats.paid,
    paidAgain: stats.paid_again,
    repeatedCalls,
    broken,
  }
}

/** Chosen so that the work lasts a little longer than the blows. */
function latencyFor(items: number, workers: number, seconds: number): number {
  return Math.max(50, Math.round((1_000 * seconds * workers * workerConcurrency) / items))
}

function withoutCursor(result: Result | undefined): object {
  const { cursor: _cursor, ...rest } = result ?? { cursor: '' }
  return rest
}

function elapsed(began: number): string {
  return `[${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s]`
}

function empty(seed: number, items: number) {
  return { seed, items, succeeded: 0, failed: 0, seconds: 0, secondsToEnd: 0, paid: 0, paidAgain: 0, repeatedCalls: 0 }
}
