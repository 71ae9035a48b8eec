import { setTimeout as sleep } from 'node:timers/promises'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { extractor, openEngine, openEngineAlone } from '../instant-engine.ts'
import { texts } from '../texts.ts'

export interface ManyBatches {
  readonly batches: number
  readonly itemsEach: number
  readonly concurrency: number
  readonly latencyMs: number
}

interface Run {
  readonly itemsPerSecond: number
  /** Of this process, which is engine and worker. */
  readonly cpuMsPerItem: number
}

/** The same number of items on one lane, as one batch and as many: what does it cost that they are many? */
export async function compareManyBatches(options: ManyBatches): Promise<void> {
  const { batches, itemsEach, concurrency, latencyMs } = options
  const one = await measure(1, batches * itemsEach, options)
  const many = await measure(batches, itemsEach, options)
  console.log(`${batches * itemsEach} items on one lane, ${concurrency} calls in flight, ${latencyMs} ms per call`)
  const row = (name: string, run: Run) => ({
    batches: name,
    'items/s': Math.round(run.itemsPerSecond),
    'CPU ms per item': Math.round(run.cpuMsPerItem * 100) / 100,
  })
  console.table([row('1', one), row(`${batches} of ${itemsEach}`, many)])
  const ratio = (value: number) => value.toFixed(2)
  console.log(
    `Many to one: ${ratio(many.itemsPerSecond / one.itemsPerSecond)} of the items per second, ${ratio(many.cpuMsPerItem / one.cpuMsPerItem)} times the CPU.`,
  )
}

async function measure(batches: number, itemsEach: number, { concurrency, latencyMs }: ManyBatches): Promise<Run> {
  await using server = await startOwnRedis()
  const submitter = await openEngineAlone(server.url)
  for (let at = 0; at < batches; at += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, batches - at) }, async () =>
        submitter.batches.create(
          { extractor, options: { priority: 10, metadata: {} } },
          texts(itemsEach).map((text, i) => ({ id: String(i), text })),
        ),
      ),
    )
  }
  const opened = await openEngine(server.url, { concurrency, latencyMs })
  const calls = () => opened.calls()
  const total = batches * itemsEach
  // The beginning and the end, where not all calls are in flight, do not count.
  const [from, to] = [total * 0.1, total * 0.9]
  while (calls() < from) await sleep(50)
  const begun = { at: performance.now(), cpu: process.cpuUsage(), calls: calls() }
  while (calls() < to) await sleep(50)
  const cpu = process.cpuUsage(begun.cpu)
  const items = calls() - begun.calls
  const run = {
    itemsPerSecond: (1_000 * items) / (performance.now() - begun.at),
    cpuMsPerItem: (cpu.user + cpu.system) / 1_000 / items,
  }
  await opened.close()
  await submitter[Symbol.asyncDispose]()
  return run
}
