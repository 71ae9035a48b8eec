import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../median.ts'
import { texts } from '../texts.ts'
import { createJob } from './create-job.ts'
import { latencyMs } from './ideal.ts'
import { capacityOf, type ProviderRow, providerRows } from './provider-rows.ts'
import { startProvider, type StrictProvider } from './provider.ts'
import type { System } from './system.ts'

/** As the simulator estimates them. */
const charactersPerToken = 4

interface MatrixCell {
  readonly used: number
  readonly refusedShare: number
}

/**
 * Every kind of provider that the simulator can be, each system in turn: how much of the limit is used in a time in which there is more
 * work than the limit admits, from the first call on, and what is refused.
 */
export async function runMatrix(
  systems: readonly System[],
  { seconds, repeats, only, signal }: { seconds: number; repeats: number; only: string; signal: AbortSignal },
): Promise<string> {
  await using provider = await startProvider({ signal })
  const callTokens = provider.promptTokens + meanLength(texts(500)) / charactersPerToken
  const lines = [
    `| provider | ${systems.flatMap(({ name }) => [`${name}: used`, 'refused']).join(' | ')} |`,
    `|---|${systems.map(() => '---:|---:|').join('')}`,
  ]
  console.log(lines.join('\n'))
  for (const row of providerRows(callTokens)) {
    if (!row.title.includes(only)) continue
    const cells: string[] = []
    for (const system of systems) {
      const all: MatrixCell[] = []
      for (let i = 0; i < repeats; i += 1)
        all.push(await runCell(system, row, provider, { seconds, callTokens, signal }))
      cells.push(median(all.map(({ used }) => used)).toFixed(3))
      cells.push(`${(100 * median(all.map(({ refusedShare }) => refusedShare))).toFixed(2)} %`)
    }
    const line = `| ${row.title} | ${cells.join(' | ')} |`
    lines.push(line)
    console.log(line)
  }
  return lines.join('\n')
}

async function runCell(
  system: System,
  row: ProviderRow,
  provider: StrictProvider,
  { seconds, callTokens, signal }: { seconds: number; callTokens: number; signal: AbortSignal },
): Promise<MatrixCell> {
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const most = Math.max(capacityOf(row.rules, seconds, callTokens), capacityOf(row.later ?? {}, seconds, callTokens))
  const one = {
    name: 'providers',
    title: row.title,
    unit: 'requests' as const,
    perSecond: 200,
    burstS: 1,
    change: null,
    neighbourPerSecond: 0,
    // More than there is time for, also where the limit is out of reach.
    texts: () => texts(Math.ceil(Math.min(most, 1_200 * seconds) * 1.3) + 500),
  }
  await using prepared = await system.prepare(createJob(one, seconds, provider), { signal: either })
  // So that windows begin with the run.
  const windowMs = (row.rules.window_s ?? 1) * 1_000
  await sleep(windowMs - (Date.now() % windowMs), undefined, { signal })
  await provider.setRules(row.rules, latencyMs, { signal })
  const running = prepared.run(() => {}).catch(() => {})
  let before = { admitted: 0, requests: 0 }
  let countedS = seconds
  if (row.later !== undefined) {
    countedS = seconds / 2
    await sleep(countedS * 1_000, undefined, { signal })
    before = await provider.stats({ signal })
    await provider.changeRules(row.later, { signal })
  }
  await sleep(countedS * 1_000, undefined, { signal })
  const stats = await provider.stats({ signal })
  ended.abort(new Error('The time is over.'))
  await running
  const made = stats.requests - before.requests
  return {
    used: (stats.admitted - before.admitted) / capacityOf(row.later ?? row.rules, countedS, callTokens),
    refusedShare: stats.refused / Math.max(1, row.later === undefined ? made : stats.requests),
  }
}

function meanLength(all: readonly string[]): number {
  return all.reduce((sum, { length }) => sum + length, 0) / all.length
}
