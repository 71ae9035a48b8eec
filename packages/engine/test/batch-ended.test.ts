import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBatchEnded, type EndedBatch, type OnBatchEnded } from '@sluice/engine/batches/batch-ended'
import { createRetention } from '@sluice/engine/batches/retention'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { createSweeper } from '@sluice/engine/recovery/sweeper'
import { createSummaryStore } from '@sluice/engine/summaries/summary-store'
import { extracted, inline, options, readAll, type TestSluice, testSluice, texts } from './harness.ts'

/** A batch that has ended, and whose end was not handled: the process died in between. */
async function endedUnhandled(sluice: TestSluice): Promise<string> {
  const engine = await sluice.engine()
  const worker = await sluice.worker(({ text }) => extracted({ text }))
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  await readAll(engine, batch.id)
  await expect.poll(() => sluice.redis.sismember(sluice.keys.activeBatches, batch.id)).toBe(0)
  await worker.close(0)
  // Held for a while by the worker's sweeper.
  await sluice.redis.del(sluice.keys.sweepLease)
  await sluice.redis.multi().sadd(sluice.keys.activeBatches, batch.id).zrem(sluice.keys.endedBatches, batch.id).exec()
  return batch.id
}

/** What a worker runs, without its lanes. Stopped after the test. */
function sweep({ redis, keys }: TestSluice, consumers: readonly OnBatchEnded[]): readonly Error[] {
  const errors: Error[] = []
  const sweeper = createSweeper({
    redis,
    keys,
    workerId: 'test',
    queueOf: () => undefined,
    ledger: createLedger({ redis, keys }),
    enqueueBatch: async () => {},
    onSummaryEnded: async () => {},
    sweepWebhooks: async () => {},
    sweepFiles: async () => {},
    enqueueSummary: async () => {},
    handleBatchEnded: createBatchEnded({ redis, keys, consumers }),
    retention: createRetention({ redis, keys, retentionMs: null }),
    summaries: createSummaryStore({ redis, keys }),
    retentionMs: null,
    onError: (error) => errors.push(error),
  })
  onTestFinished(() => sweeper.stop())
  return errors
}

const isActive = async ({ redis, keys }: TestSluice, id: string) =>
  (await redis.sismember(keys.activeBatches, id)) === 1
const endedAt = ({ redis, keys }: TestSluice, id: string) => redis.zscore(keys.endedBatches, id)

describe('the end of a batch', () => {
  test('is handled by its job, without waiting for the sweeper', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(({ text }) => extracted({ text }))
    // The sweeper of no process runs.
    await sluice.redis.set(sluice.keys.sweepLease, '1')
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
    await readAll(engine, batch.id)
    await expect.poll(() => isActive(sluice, batch.id), { timeout: 4_000 }).toBe(false)
    const { finished_at: finishedAt } = await engine.batches.get(batch.id)
    expect(Number(await endedAt(sluice, batch.id))).toBe(Math.round(finishedAt! * 1000))
  })

  test('is handled by the sweeper when a process died before it was', async () => {
    const sluice = testSluice()
    const id = await endedUnhandled(sluice)
    const seen: EndedBatch[] = []
    sweep(sluice, [async (batch) => void seen.push(batch)])
    await expect.poll(() => isActive(sluice, id)).toBe(false)
    expect(seen).toEqual([
      { id, status: 'completed', round: 1, summaryId: null, keptMs: null, finishedAt: expect.any(Number) },
    ])
  })

  test('is handled again by another process when one died between two consumers', async () => {
    const sluice = testSluice()
    const { redis, keys } = sluice
    const id = await endedUnhandled(sluice)
    const retention = createRetention({ redis, keys, retentionMs: null })
    const calls: string[] = []
    const dying = createBatchEnded({
      redis,
      keys,
      consumers: [retention.onBatchEnded, async () => new Promise<void>(() => calls.push('died'))],
    })
    void dying(id)
    await expect.poll(() => calls).toEqual(['died'])
    expect(await isActive(sluice, id)).toBe(true)
    const first = await endedAt(sluice, id)
    sweep(sluice, [retention.onBatchEnded, async () => void calls.push('handled')])
    await expect.poll(() => isActive(sluice, id)).toBe(false)
    expect(calls).toEqual(['died', 'handled'])
    expect(await endedAt(sluice, id)).toBe(first)
  })

  test('stays unhandled while one consumer fails, which stops neither the other consumers nor other batches', async () => {
    const sluice = testSluice()
    const failing = await endedUnhandled(sluice)
    const engine = await sluice.engine()
    const { batch: cancelled } = await engine.batches.create({ extractor: inline, options }, texts(2))
    await engine.batches.cancel(cancelled.id)
    const seen: string[] = []
    let broken = true
    const errors = sweep(sluice, [
      async ({ id }) => {
        if (broken && id === failing) throw new Error('the receiver is down')
      },
      async ({ id }) => void seen.push(id),
    ])
    await expect.poll(() => isActive(sluice, cancelled.id)).toBe(false)
    await expect.poll(() => errors.map(({ message }) => message)).toContain('the receiver is down')
    expect(seen).toContain(failing)
    expect(await isActive(sluice, failing)).toBe(true)
    broken = false
    await expect.poll(() => isActive(sluice, failing), { timeout: 15_000 }).toBe(false)
  }, 20_000)

  test('handled twice, also at the same time, leaves the same state', async () => {
    const sluice = testSluice()
    const { redis, keys } = sluice
    const id = await endedUnhandled(sluice)
    const { onBatchEnded } = createRetention({ redis, keys, retentionMs: null })
    const handle = createBatchEnded({ redis, keys, consumers: [onBatchEnded] })
    expect(await Promise.all([handle(id), handle(id)])).toEqual(['handled', 'handled'])
    const first = await endedAt(sluice, id)
    expect(await handle(id)).toBe('handled')
    expect([await isActive(sluice, id), await endedAt(sluice, id)]).toEqual([false, first])
    expect(await redis.zcard(keys.endedBatches)).toBe(1)
  })

  test('is not handled for a batch that runs, and a batch that was deleted leaves no trace', async () => {
    const sluice = testSluice()
    const { redis, keys } = sluice
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(2))
    const consume = async () => expect.unreachable('It has not ended.')
    const handle = createBatchEnded({ redis, keys, consumers: [consume] })
    expect(await handle(batch.id)).toBe('not-ended')
    expect(await isActive(sluice, batch.id)).toBe(true)
    await redis.sadd(keys.activeBatches, 'batch_gone')
    expect(await handle('batch_gone')).toBe('gone')
    expect(await isActive(sluice, 'batch_gone')).toBe(false)
  })

  test('handled while its failed items are retried keeps the batch active, and its next end is handled, too', async () => {
    const sluice = testSluice()
    const { redis, keys } = sluice
    const engine = await sluice.engine()
    let healthy = false
    await sluice.worker(({ text }) => (healthy ? extracted({ text }) : { type: 'refused', message: 'no' }))
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
    await readAll(engine, batch.id)
    await expect.poll(() => isActive(sluice, batch.id)).toBe(false)
    const firstEnd = Number(await endedAt(sluice, batch.id))
    await sleep(2)
    healthy = true
    const rounds: number[] = []
    const handle = createBatchEnded({
      redis,
      keys,
      consumers: [
        async ({ round }) => {
          rounds.push(round)
          // The retry comes between the reading of the batch and its leaving the active ones.
          if (round === 1) await engine.batches.retry(batch.id, {})
        },
      ],
    })
    expect(await handle(batch.id)).toMatch(/retrying|handled/)
    await readAll(engine, batch.id)
    await expect.poll(async () => (await engine.batches.get(batch.id)).counts.succeeded).toBe(3)
    await expect.poll(() => isActive(sluice, batch.id), { timeout: 10_000 }).toBe(false)
    expect(Number(await endedAt(sluice, batch.id))).toBeGreaterThan(firstEnd)
    expect(await handle(batch.id)).toBe('handled')
    expect(rounds).toEqual([1, 2])
  })
})
