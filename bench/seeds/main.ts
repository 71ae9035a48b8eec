import { parseArgs } from 'node:util'
import { createClient } from '@sluice/client'
import { Person, texts } from '../../examples/people.ts'
import { median } from '../median.ts'
import { startSystem } from '../start-system.ts'
import { durable } from './durable.ts'
import { inMemory } from './in-memory.ts'
import { type Taken, takeTime } from './way.ts'

/**
 * The table of the tutorials: seven texts, each way in memory with the SDK and durable with Sluice, in turns, against the same simulator;
 * then the time from `submit` to the first call that reaches the provider. The latency is that of the tutorials' model: 6.17 s for seven calls.
 */
const { values } = parseArgs({
  options: {
    'latency-ms': { type: 'string', default: '880' },
    rounds: { type: 'string', default: '5' },
    submits: { type: 'string', default: '100' },
  },
})

await using system = await startSystem({ latencyMs: values['latency-ms'] })
const { provider } = system

const sluice = createClient({ baseUrl: system.url })
const titles = {
  loop: 'for loop',
  gather: 'gather',
  asCompleted: 'as_completed',
  gatherTwo: 'gather, 2 at a time',
  asCompletedTwo: 'as_completed, 2 at a time',
}
const sides = { memory: inMemory(provider.OPENAI_BASE_URL), durable: durable(sluice) }
const measured = new Map<string, Taken[]>()

// The first round is a warm-up: compiled code, connections, the worker's caches.
for (let round = 0; round <= Number(values.rounds); round += 1) {
  for (const way of Object.keys(titles)) {
    for (const [side, ways] of Object.entries(sides)) {
      const taken = await takeTime(ways[way]!, texts)
      const key = `${side} ${way}`
      if (round > 0) measured.set(key, [...(measured.get(key) ?? []), taken])
    }
  }
  console.error(round === 0 ? 'warm' : `round ${round} of ${values.rounds}`)
}

const rows = Object.entries(titles).map(([way, title]) => {
  const [memory, sluiced] = Object.keys(sides).map((side) => {
    const all = measured.get(`${side} ${way}`) ?? []
    return { ms: median(all.map(({ ms }) => ms)), firstMs: median(all.map(({ firstResultMs }) => firstResultMs)) }
  })
  return {
    way: title,
    'in memory, s': seconds(memory!.ms),
    'durable, s': seconds(sluiced!.ms),
    ratio: Number((sluiced!.ms / memory!.ms).toFixed(3)),
    'first result in memory, s': seconds(memory!.firstMs),
    'first result durable, s': seconds(sluiced!.firstMs),
  }
})
console.log(`${texts.length} texts, ${values['latency-ms']} ms per call, median of ${values.rounds} rounds`)
console.table(rows)

/** When the first call reaches the provider, for Sluice and for the SDK alone: a busy machine slows both. */
const delays = { durable: [] as number[], memory: [] as number[] }
for (let submit = 0; submit < Number(values.submits); submit += 1) {
  delays.durable.push(await untilFirstCall(async () => (await sluice.submit(texts, { schema: Person })).wait()))
  delays.memory.push(await untilFirstCall(() => takeTime(sides.memory.gather!, texts)))
}
const at = (of: readonly number[], part: number): number =>
  of.toSorted((a, b) => a - b)[Math.floor(part * (of.length - 1))] ?? Number.NaN
const quantiles = (of: readonly number[]): string =>
  `p50 ${at(of, 0.5)} ms, p90 ${at(of, 0.9)} ms, p99 ${at(of, 0.99)} ms`
console.log(
  `From submit to the first call at the provider, ${values.submits} batches of ${texts.length}: ${quantiles(delays.durable)}; of the SDK in memory: ${quantiles(delays.memory)} (clock of 1 ms).`,
)
const worst = Math.max(...rows.map(({ ratio }) => ratio))
console.log(
  `Aims: durable within 1.05 of in memory: ${worst <= 1.05 ? 'met' : 'missed'} (${worst}); 15 ms p50 to the first call: ${at(delays.durable, 0.5) <= 15 ? 'met' : 'missed'} (${at(delays.durable, 0.5)} ms).`,
)

function seconds(ms: number): number {
  return Number((ms / 1_000).toFixed(3))
}

async function untilFirstCall(act: () => Promise<unknown>): Promise<number> {
  await control('reset', {})
  await control('latency', { p50_ms: 5 })
  const beganAt = Date.now()
  await act()
  const stats = (await (await fetch(`${system.simulatorUrl}/_simulator/stats`)).json()) as { first_arrived_at: number }
  return stats.first_arrived_at - beganAt
}

async function control(what: string, body: object): Promise<void> {
  const response = await fetch(`${system.simulatorUrl}/_simulator/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(await response.text())
}
