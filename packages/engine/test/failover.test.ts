import { setTimeout as sleep } from 'node:timers/promises'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTcpProxy } from '../../../test/chaos/tcp-proxy.ts'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

/** Two servers, the second a replica of the first, and an address that leads to the first. */
async function pair() {
  const servers = await Promise.all([startOwnRedis(), startOwnRedis()])
  const admins = servers.map(({ url }) => new Redis(url))
  const [first, second] = admins as [Redis, Redis]
  const port = (place: number) => Number(new URL(servers[place]!.url).port)
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: port(0) })
  onTestFinished(async () => {
    for (const admin of admins) admin.disconnect()
    await proxy[Symbol.asyncDispose]()
    for (const server of servers) await server[Symbol.asyncDispose]()
  })
  await second.replicaof('127.0.0.1', port(0))
  await expect.poll(() => second.info('replication')).toContain('master_link_status:up')
  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    first,
    second,
    proxy,
    toSecond: () => proxy.pointTo({ host: '127.0.0.1', port: port(1) }),
    secondPort: port(1),
    secondUrl: servers[1].url,
  }
}

/** What is promised, from the moment that a primary is there. */
const recoveryMs = 10_000

async function recovers(act: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await sleep(50)) {
    try {
      await act()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}

describe('API and worker are on again within 10 s of a primary being there', () => {
  test.each(['is silent', 'is silent for longer than it takes to notice', 'was demoted', 'was demoted while idle'])(
    'when the old one %s',
    async (how) => {
      const { url, first, second, proxy, toSecond, secondPort, secondUrl } = await pair()
      const sluice = testSluice({}, url, secondUrl)
      const engine = await sluice.engine()
      let seen = 0
      await sluice.worker(() => {
        seen += 1
        return extracted({ ok: true })
      })
      const earlier = await engine.batches.create({ extractor: inline, options }, texts(5))
      await readAll(engine, earlier.batch.id)
      expect(seen).toBe(5)
      if (how.startsWith('is silent')) {
        proxy.goSilent()
        if (how !== 'is silent') await sleep(9_000)
        await second.replicaof('NO', 'ONE')
        toSecond()
      } else {
        await second.replicaof('NO', 'ONE')
        await first.replicaof('127.0.0.1', secondPort)
        toSecond()
        // Long enough that no write finds out.
        if (how === 'was demoted while idle') await sleep(5_000)
      }
      const began = Date.now()
      let batchId = ''
      await recovers(async () => {
        const { batch } = await engine.batches.create({ extractor: inline, options }, texts(20))
        batchId = batch.id
      })
      const results = await readAll(engine, batchId, {}, 60_000)
      expect(results.map(({ status }) => status)).toEqual(Array(20).fill('succeeded'))
      expect(Date.now() - began).toBeLessThan(recoveryMs)
    },
  )
})
