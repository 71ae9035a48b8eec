import { setTimeout as sleep } from 'node:timers/promises'
import { createBatchId } from '@sluice/engine/batches/batch-id'
import type { Engine } from '@sluice/engine/engine'
import { batchJobId, supervisorJobOptions } from '@sluice/engine/queues/jobs'
import { createKeys } from '@sluice/engine/redis/keys'
import { startOwnRedis, type OwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { extractor, openEngine, openEngineAlone } from '../instant-engine.ts'
import { median } from '../median.ts'
import { cpuUs } from '../process-cpu.ts'
import { texts } from '../texts.ts'

export interface ManyBatches {
  readonly batches: number
  readonly itemsEach: number
  /** Paused batches in addition. */
  readonly paused: number
  /** Items that are measured: those of all batches, unless that takes too long. */
  readonly measured: number
  readonly rounds: number
  readonly concurrency: number
  readonly latencyMs: number
}

/** CPU and commands per item while calls are made, and per second while no call ends. */
interface Run {
  readonly 'items/s': number
  /** Of the process that is engine and worker. */
  readonly 'CPU ms an item': number
  readonly 'Redis CPU ms an item': number
  readonly 'commands an item': number
  readonly 'idle: commands/s': number
  readonly 'idle: CPU %, worker and Redis': number
}

const bulk = 1_000
const submittedAtOnce = 50
const idleSettleMs = 5_000
const idleMs = 10_000
const neverMs = 3_600_000
/** A lane begins with ten calls, and makes no others until the first answers. */
const firstCalls = 10

/** The same number of items on one lane, as one batch and as many, in turns: what does it cost that they are many? */
export async function compareManyBatches(options: ManyBatches): Promise<void> {
  const { batches, itemsEach, paused, measured, rounds, concurrency, latencyMs } = options
  const ways = {
    '1': { batches: 1, itemsEach: measured, paused: 0 },
    [`${batches} of ${itemsEach}${paused === 0 ? '' : ` with ${paused} paused`}`]: { batches, itemsEach, paused },
  }
  const runs: Record<string, Run[]> = {}
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, way] of Object.entries(ways)) (runs[name] ??= []).push(await measure({ ...options, ...way }))
  }
  const rows = Object.fromEntries(Object.entries(runs).map(([name, each]) => [name, medians(each)]))
  console.log(
    `${measured} items on one lane, ${concurrency} calls in flight, ${latencyMs} ms per call; medians of ${rounds}`,
  )
  console.table(rows)
  const [one, many] = Object.values(rows)
  const ratio = (name: keyof Run) => (many![name] / one![name]).toFixed(2)
  console.log(
    `Many to one: ${ratio('items/s')} of the items per second, ${ratio('CPU ms an item')} times the CPU, ${ratio('commands an item')} times the commands.`,
  )
}

async function measure(options: ManyBatches): Promise<Run> {
  await using server = await startOwnRedis()
  await using submitter = await openEngineAlone(server.url)
  await submit(submitter, options)
  if (options.paused > 0) await addPaused(server, submitter, options)
  const idle = await measureIdle(server, options)
  return { ...(await measureWork(server, options)), ...idle }
}

async function submit(on: Engine, { batches, itemsEach }: ManyBatches): Promise<void> {
  for (let at = 0; at < batches; at += submittedAtOnce) {
    await Promise.all(
      Array.from({ length: Math.min(submittedAtOnce, batches - at) }, async () =>
        on.batches.create(
          { extractor, options: { priority: 10, metadata: {} } },
          texts(itemsEach).map((text, i) => ({ id: String(i), text })),
        ),
      ),
    )
  }
}

/** Copies of one paused batch, each with its job, which is set aside. To send and pause each would take ten times as long. */
async function addPaused(server: OwnRedis, on: Engine, { itemsEach, paused }: ManyBatches): Promise<void> {
  const { batch } = await on.batches.create(
    { extractor, options: { priority: 10, metadata: {} } },
    texts(itemsEach).map((text, i) => ({ id: String(i), text })),
  )
  await on.batches.pause(batch.id)
  const redis = new Redis(server.url)
  const keys = createKeys('bench')
  const from = keys.batch(batch.id)
  const [meta, blocks] = await Promise.all([redis.dumpBuffer(from.meta), redis.dumpBuffer(from.blocks)])
  const queue = on.queues.find(({ name }) => name === 'batches')!
  for (let at = 0; at < paused; at += bulk) {
    const ids = Array.from({ length: Math.min(bulk, paused - at) }, () => createBatchId(Date.now()))
    const pipeline = redis.pipeline()
    for (const id of ids) pipeline.restore(keys.batch(id).meta, 0, meta).restore(keys.batch(id).blocks, 0, blocks)
    pipeline.sadd(keys.activeBatches, ...ids).zadd(keys.allBatches, ...ids.flatMap((id) => [0, id]))
    await pipeline.exec()
    await queue.addBulk(
      ids.map((id) => ({
        name: 'paused',
        data: { batch_id: id, extractor: 'bench', lane: 'default' },
        opts: { ...supervisorJobOptions, jobId: batchJobId(id, '1'), delay: 365 * 86_400_000 },
      })),
    )
  }
  redis.disconnect()
}

/** What Redis and this process do while every call of the lane is in flight and none ends. */
async function measureIdle(
  server: OwnRedis,
  { concurrency }: ManyBatches,
): Promise<Pick<Run, 'idle: commands/s' | 'idle: CPU %, worker and Redis'>> {
  const opened = await openEngine(server.url, { concurrency, latencyMs: neverMs })
  while (opened.calls() < Math.min(concurrency, firstCalls)) await sleep(50)
  await sleep(idleSettleMs)
  const before = await read(server)
  await sleep(idleMs)
  const after = await read(server)
  await opened.close()
  const cpu = after.own - before.own + after.redis - before.redis
  return {
    'idle: commands/s': (1_000 * (after.commands - before.commands)) / idleMs,
    'idle: CPU %, worker and Redis': cpu / 10 / idleMs,
  }
}

async function measureWork(
  server: OwnRedis,
  { concurrency, latencyMs, measured }: ManyBatches,
): Promise<Pick<Run, 'items/s' | 'CPU ms an item' | 'Redis CPU ms an item' | 'commands an item'>> {
  const opened = await openEngine(server.url, { concurrency, latencyMs })
  // The beginning and the end, where not all calls are in flight, do not count.
  while (opened.calls() < measured * 0.1) await sleep(10)
  const [at, from, before] = [performance.now(), opened.calls(), await read(server)]
  while (opened.calls() < measured * 0.9) await sleep(10)
  const [seconds, items, after] = [(performance.now() - at) / 1_000, opened.calls() - from, await read(server)]
  await opened.close()
  return {
    'items/s': items / seconds,
    'CPU ms an item': (after.own - before.own) / 1_000 / items,
    'Redis CPU ms an item': (after.redis - before.redis) / 1_000 / items,
    'commands an item': (after.commands - before.commands) / items,
  }
}

/** Commands include those of scripts. CPU in us. */
async function read(server: OwnRedis): Promise<{ commands: number; own: number; redis: number }> {
  const redis = new Redis(server.url)
  const stats = await redis.info('stats')
  redis.disconnect()
  const { user, system } = process.cpuUsage()
  const commands = Number(/total_commands_processed:(\d+)/.exec(stats)?.[1])
  return { commands, own: user + system, redis: cpuUs(server.pid()) }
}

function medians(runs: readonly Run[]): Run {
  const names = Object.keys(runs[0]!) as (keyof Run)[]
  const rounded = (value: number) => Math.round(value * 100) / 100
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(runs.map((run) => run[name])))]),
  ) as unknown as Run
}
