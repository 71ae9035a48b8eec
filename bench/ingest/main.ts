import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { laneConfig } from '@sluice/contract/lane'
import { createEngine } from '@sluice/engine/create-engine'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { extractor } from '../instant-engine.ts'
import { median } from '../median.ts'
import { texts } from '../texts.ts'
import { compareWriters } from './writers.ts'

/**
 * Staging a batch, compared with BullMQ alone: one job per item, added with addBulk.
 * Both on the same Redis, in turns; bytes are the growth of Redis' used memory.
 */
const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    /** Random letters instead of sentences: the worst case for compression. */
    random: { type: 'boolean', default: false },
    /** Compares an upload through so many API processes with one instead. */
    writers: { type: 'string' },
  },
})
const items = Number(values.items)
const rounds = Number(values.rounds)
if (values.writers !== undefined) {
  await compareWriters({ items, rounds, writers: Number(values.writers) })
  process.exit()
}
const inputOf = (count: number) =>
  values.random ? Array.from({ length: count }, () => randomBytes(225).toString('base64')) : texts(count)

await using server = await startOwnRedis()
const redis = new Redis(server.url, { maxRetriesPerRequest: null })
const engine = await createEngine({
  redisUrl: server.url,
  prefix: 'bench',
  lanes: { default: laneConfig.parse({ model: 'none' }) },
  onError: console.error,
})
const queue = new Queue('raw', { connection: redis })
const ways = {
  async 'Sluice, staged'() {
    const input = inputOf(items).map((text, index) => ({ id: String(index), text }))
    return measured(() => engine.batches.create({ extractor, options: { priority: 10, metadata: {} } }, input))
  },
  async 'BullMQ, addBulk by 1,000'() {
    const input = inputOf(items)
    return measured(async () => {
      for (let at = 0; at < input.length; at += 1_000) {
        await queue.addBulk(
          input.slice(at, at + 1_000).map((text, i) => ({ name: 'item', data: { batch: 'b', index: at + i, text } })),
        )
      }
    })
  },
}

const results = new Map<string, { perSecond: number; bytes: number; cpu: number }[]>()
for (let round = 0; round < rounds; round += 1) {
  for (const [name, way] of Object.entries(ways)) {
    await redis.flushall()
    const result = await way()
    results.set(name, [...(results.get(name) ?? []), result])
    console.error(
      `${name}: ${Math.round(result.perSecond).toLocaleString('en')} items/s, ${result.bytes.toFixed(0)} B an item`,
    )
  }
}

const rows = [...results].map(([name, all]) => ({
  way: name,
  'items/s': Math.round(median(all.map((one) => one.perSecond))).toLocaleString('en'),
  'Redis bytes an item': Math.round(median(all.map((one) => one.bytes))),
  'CPU us an item': Number(median(all.map((one) => one.cpu)).toFixed(1)),
}))
console.log(
  `${items.toLocaleString('en')} items of about 300 B${values.random ? ' of random letters' : ''}, median of ${rounds} rounds, appendfsync always`,
)
console.table(rows)
const [ours, theirs] = [...results.values()].map((all) => ({
  perSecond: median(all.map((one) => one.perSecond)),
  bytes: median(all.map((one) => one.bytes)),
}))
console.log(
  `Speed ${(ours!.perSecond / theirs!.perSecond).toFixed(1)} times that of addBulk, bytes ${(ours!.bytes / theirs!.bytes).toFixed(3)} of its.`,
)

await engine[Symbol.asyncDispose]()
await queue.close()
redis.disconnect()

async function measured(act: () => Promise<unknown>) {
  const before = await usedMemory()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await act()
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: items / seconds, bytes: ((await usedMemory()) - before) / items, cpu: (user + system) / items }
}

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}
