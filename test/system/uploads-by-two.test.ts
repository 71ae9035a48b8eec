import type { Batch } from '@sluice/contract/batch'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { person, startSystem } from '../support/system.ts'

const [rounds, perRound] = [40, 320]

test('an upload through two API processes reads each item of the other once, and keeps ids unique across both', async () => {
  // A Redis without other clients: its reads are counted.
  const own = await startOwnRedis()
  onTestFinished(() => own[Symbol.asyncDispose]())
  const redis = new Redis(own.url)
  onTestFinished(() => redis.disconnect())
  const system = await startSystem({ redisUrl: own.url })
  const urls = [system.url, await system.anotherApi()]
  const { id } = (await system.request('POST', '/v1/batches/uploads', { extractor: person })).body as Batch
  const append = async (url: string, round: number, ids: readonly string[]) => {
    const response = await fetch(`${url}/v1/batches/${id}/items?from=${round * perRound}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ids.map((one) => `${JSON.stringify({ id: one, text: 'a' })}\n`).join(''),
    })
    return { status: response.status, body: (await response.json()) as any }
  }
  const blocksRead = async () => Number(/cmdstat_xrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)

  for (let round = 0; round < rounds; round += 1) {
    const ids = Array.from({ length: perRound }, (_, i) => `row-${round * perRound + i}`)
    expect((await append(urls[round % 2]!, round, ids)).body).toMatchObject({
      counts: { total: (round + 1) * perRound },
    })
  }
  // 200 blocks of 64 items were appended. To read all of them again in each round would take 4,000.
  expect(await blocksRead()).toBeLessThanOrEqual((rounds * perRound) / 64)
  // Both processes know the ids that came through the other one.
  for (const url of urls) {
    for (const known of [5, perRound + 5]) {
      const refused = await append(url, rounds, [`row-${known}`])
      expect(refused).toMatchObject({ status: 400, body: { error: { code: 'duplicate_id' } } })
    }
  }
})
