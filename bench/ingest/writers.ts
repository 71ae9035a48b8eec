import { run } from '@sluice/local/processes/app-process'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { median } from '../median.ts'
import { cpuUs } from '../process-cpu.ts'
import { texts } from '../texts.ts'

const itemsPerRequest = 10_000

export interface WritersOptions {
  readonly items: number
  readonly rounds: number
  /** API processes that get the requests in turns. */
  readonly writers: number
}

/**
 * One upload through several API processes, one request after the other, compared with the same through one. Each process must know the
 * ids that the others accepted, as an id is unique in a batch.
 */
export async function compareWriters({ items, rounds, writers }: WritersOptions): Promise<void> {
  await using redis = await startOwnRedis()
  await using stack = new AsyncDisposableStack()
  const env = { REDIS_URL: redis.url, SLUICE_MODEL: 'none', OPENAI_API_KEY: 'none', PORT: '0' }
  const apis = await Promise.all(
    Array.from({ length: writers }, async () => stack.use(await run('api', env, /(http:\/\/127\.0\.0\.1:\d+)/))),
  )
  const urls = apis.map(({ ready }) => ready[1]!)
  const cpuOfAll = () => apis.reduce((sum, { pid }) => sum + cpuUs(pid), 0) / 1e6
  const lines = texts(items).map((text, i) => `${JSON.stringify({ id: `item-${i}`, text })}\n`)
  const bodies = Array.from({ length: Math.ceil(items / itemsPerRequest) }, (_, i) =>
    lines.slice(i * itemsPerRequest, (i + 1) * itemsPerRequest).join(''),
  )
  const ways = new Map([
    ['1 API process', urls.slice(0, 1)],
    [`${writers} API processes in turns`, urls],
  ])
  const seconds = new Map<string, number[]>()
  const cpuSeconds = new Map<string, number[]>()
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, through] of ways) {
      const cpuBefore = cpuOfAll()
      const took = await upload(through, bodies)
      cpuSeconds.set(name, [...(cpuSeconds.get(name) ?? []), cpuOfAll() - cpuBefore])
      seconds.set(name, [...(seconds.get(name) ?? []), took])
      console.error(`${name}: ${took.toFixed(1)} s`)
    }
  }
  const ratioOf = (all: ReadonlyMap<string, number[]>) => {
    const [one, several] = [...all.values()].map(median)
    return (several! / one!).toFixed(2)
  }
  console.log(
    `${items.toLocaleString('en')} items of about 300 B, ${itemsPerRequest.toLocaleString('en')} in a request, median of ${rounds} rounds`,
  )
  console.table(
    [...seconds].map(([way, all]) => ({
      way,
      seconds: Number(median(all).toFixed(2)),
      'CPU s of the API': Number(median(cpuSeconds.get(way)!).toFixed(2)),
    })),
  )
  console.log(`Ratio of the time ${ratioOf(seconds)}, of the CPU ${ratioOf(cpuSeconds)}`)
}

/** Returns the seconds that it took. */
async function upload(urls: readonly string[], bodies: readonly string[]): Promise<number> {
  const post = async (url: string, type: string, body: string): Promise<{ id: string }> => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as { id: string }
  }
  const extractor = { schema: { type: 'object' } }
  const { id } = await post(`${urls[0]}/v1/batches/uploads`, 'application/json', JSON.stringify({ extractor }))
  const beganAt = performance.now()
  for (const [i, body] of bodies.entries()) {
    const url = urls[i % urls.length]
    await post(`${url}/v1/batches/${id}/items?from=${i * itemsPerRequest}`, 'application/x-ndjson', body)
  }
  const took = (performance.now() - beganAt) / 1_000
  const removed = await fetch(`${urls[0]}/v1/batches/${id}`, { method: 'DELETE' })
  if (!removed.ok) throw new Error(`The upload could not be removed: ${await removed.text()}`)
  return took
}
