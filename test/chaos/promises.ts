import { isDeepStrictEqual } from 'node:util'
import type { Batch } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import { brokenAccounts } from './accounts.ts'
import { badAnswers } from './blows.ts'
import type { SimulatorStats } from './chaos-system.ts'
import { workerConcurrency } from './crew.ts'
import type { PatientClient } from './patient-client.ts'
import { ageOf, type RunBatch } from './workload.ts'

/** How an item may fail after bad answers. */
const failures: readonly string[] = ['refused', 'truncated', 'filtered', 'invalid_output']
/** After these it is not known whether the call was paid. */
const unknownEnds = ['cut', 'cut_after', 'hang', 'html', 'broken_body'] as const

export interface Totals {
  readonly succeeded: number
  readonly failed: number
  /** Paid calls, as the batches counted them. */
  readonly calls: number
  readonly repeatedCalls: number
}

/** Reads every batch again. Returns the sums, and in words each promise that was not kept. */
export async function checkBatches(
  client: PatientClient,
  batches: readonly RunBatch[],
): Promise<Totals & { readonly broken: readonly string[] }> {
  const broken: string[] = []
  let [succeeded, failed, calls, repeatedCalls] = [0, 0, 0, 0]
  for (const one of batches) {
    const batch = await client.batch(one.id)
    const final = await client.all(one.id)
    const all = [...brokenPromises(one, batch, final), ...brokenAccounts(batch, final, await client.failures(one.id))]
    broken.push(...all.map((what) => `${one.id}: ${what}`))
    succeeded += batch.counts.succeeded
    failed += batch.counts.failed
    calls += batch.usage.calls
    repeatedCalls += batch.usage.repeated_calls
  }
  return { succeeded, failed, calls, repeatedCalls, broken }
}

function brokenPromises({ size, seen }: RunBatch, batch: Batch, final: readonly Result[]): string[] {
  const { total, ...parts } = batch.counts
  const counts = JSON.stringify(batch.counts)
  const changed = seen.filter((one) => !isDeepStrictEqual(withoutCursor(one), withoutCursor(final[one.index])))
  const wrong = final.filter(({ error }) => error && !failures.includes(error.type))
  const promises: [kept: boolean, what: string][] = [
    [total === size, `it has ${total} of ${size} items`],
    [Object.values(parts).reduce((sum, part) => sum + part, 0) === total, `its counts do not add up: ${counts}`],
    [parts.succeeded + parts.failed === size, `not every item has ended: ${counts}`],
    [
      final.length === size && final.every(({ index }, i) => index === i),
      `${final.length} of ${size} results in input order, or not in order`,
    ],
    [
      new Set(seen.map(({ index }) => index)).size === seen.length,
      'a result was delivered twice in order of completion',
    ],
    [seen.length === size, `${seen.length} of ${size} results were delivered in order of completion`],
    [changed.length === 0, `${changed.length} results changed after they were read`],
    [
      final.every(({ status, data }, i) => status !== 'succeeded' || (data as { age: number }).age === ageOf(i)),
      'a result belongs to another item',
    ],
    [wrong.length === 0, `items failed as ${JSON.stringify(wrong.map(({ error }) => error))}`],
  ]
  return promises.flatMap(([kept, what]) => (kept ? [] : [what]))
}

/** What the provider counted against what Sluice counted. `lost`: workers whose calls in flight have an unknown end. */
export function checkPayments(stats: SimulatorStats, totals: Totals, lost: number): string[] {
  const { failed, calls, repeatedCalls } = totals
  const faults = (names: readonly string[]) => names.reduce((sum, name) => sum + (stats.faults[name] ?? 0), 0)
  const bad = faults(badAnswers)
  const unknown = lost * Math.ceil(workerConcurrency * 1.1) + faults(unknownEnds)
  const broken: string[] = []
  if (stats.paid_again > repeatedCalls + bad)
    broken.push(
      `${stats.paid_again} calls were paid again, but ${repeatedCalls} counted as repeated and ${bad} asked again`,
    )
  // A paid call whose end is unknown is not counted, but the one that repeats it is.
  if (calls > stats.paid || calls + repeatedCalls < stats.paid)
    broken.push(
      `${stats.paid} calls were paid, but ${calls} counted as paid and ${repeatedCalls} as repeats of calls that may have been`,
    )
  if (repeatedCalls > unknown)
    broken.push(`${repeatedCalls} calls were repeated, but at most ${unknown} had an unknown end`)
  // The provider failed only for seconds, too short to use up the eight tries of an item.
  if (failed > bad) broken.push(`${failed} items failed, but only ${bad} answers were bad`)
  return broken
}

function withoutCursor(result: Result | undefined): object {
  const { cursor: _cursor, ...rest } = result ?? { cursor: '' }
  return rest
}
