import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from './cases.ts'
import { startClient, type ClientProcess } from './client-process.ts'
import { idealSeconds } from './ideal.ts'
import type { NeighbourResult } from './neighbour.ts'
import type { StrictProvider } from './provider.ts'
import type { Job, System } from './system.ts'

export interface Measured {
  readonly system: string
  /** Ideal time over time taken, for what was answered. */
  readonly utilisation: number
  readonly refused: number
  /** Of the requests made. */
  readonly refusedShare: number
  readonly lost: number
  readonly seconds: number
  /** For each item. */
  readonly cpuUs: number
  readonly othersCpuUs: number | null
  /** Of the other client's requests, those refused; null: there was none. */
  readonly neighbourRefusedShare: number | null
  /** Calls that the provider admitted, by the second, from the start on. */
  readonly admitted: readonly number[]
}

/** Runs one system through one case, in processes that start for it and have ended afterwards. */
export async function measure(
  system: System,
  job: Job,
  provider: StrictProvider,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (done: number) => void },
): Promise<Measured> {
  const one = job.case
  await using prepared = await system.prepare(job, { signal })
  await using neighbour = await startNeighbour(one, provider.url, signal)
  // So that the provider's seconds are those of the run.
  await sleep(1_000 - (Date.now() % 1_000), undefined, { signal })
  await provider.begin(one, { signal })
  const firstSecond = Math.floor(Date.now() / 1_000)
  neighbour?.send('go')
  using _change = planChange(one, provider, signal)
  const ran = await prepared.run(onProgress)
  const others = neighbour === undefined ? null : await stop(neighbour)
  const stats = await provider.stats({ signal })

  const requests = stats.requests - (others?.admitted ?? 0) - (others?.refused ?? 0)
  const used = ran.answered.reduce((sum, index) => sum + job.costs[index]!, 0)
  const refused = stats.refused - (others?.refused ?? 0)
  return {
    system: system.name,
    utilisation: idealSeconds(one, used + (others?.admitted ?? 0)) / ran.seconds,
    refused,
    refusedShare: refused / requests,
    lost: job.texts.length - ran.answered.length,
    seconds: ran.seconds,
    cpuUs: ran.cpuUs / job.texts.length,
    othersCpuUs: ran.othersCpuUs === null ? null : ran.othersCpuUs / job.texts.length,
    neighbourRefusedShare: others === null ? null : others.refused / (others.admitted + others.refused),
    admitted: bySecond(stats.per_second, firstSecond),
  }
}

function planChange(one: Case, provider: StrictProvider, signal: AbortSignal): Disposable {
  if (one.change === null) return { [Symbol.dispose]() {} }
  const { atS, perSecond } = one.change
  const timer = setTimeout(() => {
    provider.change(one, perSecond, { signal }).catch(console.error)
  }, atS * 1_000)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

async function startNeighbour(one: Case, url: string, signal: AbortSignal): Promise<ClientProcess | undefined> {
  if (one.neighbourPerSecond === 0) return undefined
  const env = { OPENAI_BASE_URL: url }
  const args = [String(one.neighbourPerSecond)]
  const client = startClient(new URL('neighbour.ts', import.meta.url), args, env, { signal })
  await client.next('ready')
  return client
}

async function stop(neighbour: ClientProcess): Promise<NeighbourResult> {
  const stopped = neighbour.next('stopped')
  neighbour.send('stop')
  return (await stopped) as NeighbourResult
}

function bySecond(counts: readonly { second: number; calls: number }[], first: number): number[] {
  const last = Math.max(...counts.map(({ second }) => second))
  const calls = new Map(counts.map((one) => [one.second, one.calls]))
  return Array.from({ length: last - first + 1 }, (_, i) => calls.get(first + i) ?? 0)
}
