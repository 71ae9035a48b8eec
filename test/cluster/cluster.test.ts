import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createChanges, publish } from '@sluice/engine/redis/changes'
import { connectWaiting, createRedis } from '@sluice/engine/redis/connect'
import { preflight } from '@sluice/engine/redis/preflight'
import { Redis } from 'ioredis'
import { toFile } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { longText } from '../../bench/long-text.ts'
import { findFreePort } from '@sluice/local/processes/ports'
import { findLocalRedis } from '@sluice/local/redis/find-redis'
import { packageDirectory } from '@sluice/local/redis/own-redis'
import { durableOptions } from '@sluice/local/redis/redis-command'
import { chatLines, ended, openAi, readLines, startBatch, toJsonl } from '../support/openai.ts'
import { people, startSystem } from '../support/system.ts'

const slots = 16_384

interface Server {
  readonly port: number
  readonly busPort: number
  readonly redis: Redis
  /** Kills it with SIGKILL. `restart` starts it again with its data. */
  kill(): Promise<void>
  restart(): Promise<void>
}

/** Starts servers, each with a separate data folder. */
async function startServers(
  count: number,
  argsOf: (server: { directory: string; busPort: number }) => Promise<string[]> | string[],
): Promise<Server[]> {
  const source = await findLocalRedis({ directory: packageDirectory, say: console.error })
  if (source.type !== 'server')
    throw new Error('Docker cannot run these servers: install redis-server or valkey-server.')
  return Promise.all(
    Array.from({ length: count }, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'sluice-cluster-'))
      const [port, busPort] = [await findFreePort(), await findFreePort()]
      const log = join(directory, 'log')
      const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--logfile', log]
      const args = [...(await argsOf({ directory, busPort })), ...own]
      const start = (): ChildProcess =>
        spawn(source.path, args, { stdio: 'ignore', env: { ...process.env, ...source.env } })
      const kill = async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      let child = start()
      const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null })
      redis.on('error', () => {})
      onTestFinished(async () => {
        redis.disconnect()
        await kill()
        await rm(directory, { recursive: true })
      })
      const ended = once(child, 'exit').then(async () => {
        throw new Error(`A Redis server ended at once:\n${await readFile(log, 'utf8').catch(String)}`)
      })
      await Promise.race([redis.ping(), ended])
      ended.catch(() => {})
      return {
        port,
        busPort,
        redis,
        kill,
        async restart() {
          child = start()
        },
      }
    }),
  )
}

async function startCluster(): Promise<{ url: string; nodes: readonly Server[] }> {
  const nodes = await startServers(3, ({ busPort }) => [
    ...durableOptions,
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    String(busPort),
  ])
  for (const [i, { redis }] of nodes.entries()) {
    const [from, to] = [Math.floor((slots * i) / 3), Math.floor((slots * (i + 1)) / 3) - 1]
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
    for (const other of nodes) await redis.call('CLUSTER', 'MEET', '127.0.0.1', other.port, other.busPort)
  }
  for (const { redis } of nodes)
    await expect.poll(async () => redis.call('CLUSTER', 'INFO'), { timeout: 20_000 }).toContain('cluster_state:ok')
  for (const { redis } of nodes)
    await expect.poll(async () => redis.call('CLUSTER', 'INFO'), { timeout: 20_000 }).toContain('cluster_known_nodes:3')
  return { url: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes }
}

async function startSentinel(primaryPort: number): Promise<Server> {
  const [sentinel] = await startServers(1, async ({ directory }) => {
    const file = join(directory, 'sentinel.conf')
    await writeFile(
      file,
      `sentinel monitor main 127.0.0.1 ${primaryPort} 1\nsentinel down-after-milliseconds main 1000\n`,
    )
    return [file, '--sentinel']
  })
  return sentinel!
}

test('on a cluster batches are spread over the nodes, and a killed worker loses nothing', async () => {
  const { url, nodes } = await startCluster()
  const system = await startSystem({ redisUrl: url, simulator: { SIMULATOR_LATENCY_MS: '200' } })
  const killed = await system.worker({ SLUICE_CONCURRENCY: '10' })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  const batches = await Promise.all(Array.from({ length: 16 }, () => system.submit(people(30))))
  await system.until(batches[0]!.id, ({ counts }) => counts.succeeded > 0)
  for (const { redis } of nodes) expect(await redis.keys('*{batch_*}:meta')).not.toHaveLength(0)
  await killed.stop('SIGKILL')
  for (const { id } of batches) {
    const results = await system.results(id)
    expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 30 }, (_, i) => i))
    expect(results.every(({ status }) => status === 'succeeded')).toBe(true)
    expect((await system.batch(id)).counts).toMatchObject({ total: 30, succeeded: 30 })
  }
  expect((await system.request('GET', '/readyz')).status).toBe(200)
  expect((await system.request('GET', '/v1/lanes')).body.data[0]).toMatchObject({ workers: 1 })
  for (const { redis } of nodes) expect(await redis.call('CLUSTER', 'INFO')).not.toContain('messages_publish_sent')
  const [first] = batches
  expect((await system.request('DELETE', `/v1/batches/${first!.id}`)).status).toBe(200)
})

test('on a cluster summaries run through their levels, and repeated texts are paid once', async () => {
  const { url } = await startCluster()
  const system = await startSystem({ redisUrl: url })
  await system.worker()
  const summaries = await Promise.all(
    Array.from({ length: 4 }, () =>
      system.request('POST', '/v1/summaries', { text: longText(6), chunk_tokens: 300, reduce_tokens: 500 }),
    ),
  )
  for (const { body } of summaries) {
    const done = (await system.request('GET', `/v1/summaries/${body.id}?wait_s=60`)).body
    expect(done).toMatchObject({ status: 'completed', usage: { repeated_calls: 0 } })
    expect(done.levels.length).toBeGreaterThanOrEqual(3)
    expect((await system.request('DELETE', `/v1/summaries/${body.id}`)).status).toBe(200)
  }
  const texts = [...people(20), ...people(20)]
  const { id } = await system.submit(texts, { deduplicate: true, cache_s: 60 })
  expect(await system.results(id)).toHaveLength(40)
  expect((await system.batch(id)).usage).toMatchObject({ calls: 20, deduplicated: 20 })
})

test('on a cluster files become batches, output files and events', async () => {
  const { url } = await startCluster()
  const events: unknown[] = []
  const receiver = createServer((req, res) => {
    void json(req).then((event) => events.push(event))
    res.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void receiver.close())
  await once(receiver, 'listening')
  const system = await startSystem({
    redisUrl: url,
    env: {
      SLUICE_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
      SLUICE_WEBHOOK_SECRETS: 'whsec_'.padEnd(50, 'a'),
      SLUICE_WEBHOOK_ALLOW: '127.0.0.1/32',
    },
  })
  await system.worker()
  const client = openAi(system)
  const bytes = Buffer.from(toJsonl(chatLines(30)))
  const input = { filename: 'a.jsonl', purpose: 'batch', mime_type: 'application/jsonl' } as const
  const upload = await client.uploads.create({ ...input, bytes: bytes.length })
  const part = await client.uploads.parts.create(upload.id, { data: await toFile(bytes, 'part') })
  const { file } = await client.uploads.complete(upload.id, { part_ids: [part.id] })
  const params = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const
  const done = await ended(client, (await client.batches.create({ ...params, input_file_id: file!.id })).id)
  expect(done).toMatchObject({ status: 'completed', request_counts: { total: 30, completed: 30, failed: 0 } })
  expect(await readLines(client, done.output_file_id)).toHaveLength(30)
  const failed = await ended(client, (await startBatch(client, [{ custom_id: 'a' }])).id)
  expect(failed.status).toBe('failed')
  await expect
    .poll(() => events)
    .toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'batch.completed', data: { id: done.id } }),
        expect.objectContaining({ type: 'batch.failed', data: { id: failed.id } }),
      ]),
    )
  const files: string[] = []
  for await (const { id } of client.files.list({ limit: 1 })) files.push(id)
  expect(files).toHaveLength(3)
  for (const id of files) await client.files.delete(id)
  expect((await client.files.list()).data).toEqual([])
})

test('a cluster node that is down for some seconds costs nothing: no result is lost, no call is paid twice', async () => {
  const { url, nodes } = await startCluster()
  const system = await startSystem({ redisUrl: url, simulator: { SIMULATOR_LATENCY_MS: '300' } })
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const all = people(480)
  const batches = await Promise.all(Array.from({ length: 8 }, (_, i) => system.submit(all.slice(60 * i, 60 * i + 60))))
  await system.until(batches[0]!.id, ({ counts }) => counts.succeeded > 0)
  for (const node of nodes) {
    await node.kill()
    await sleep(4_000)
    await node.restart()
    await expect.poll(async () => node.redis.call('CLUSTER', 'INFO'), { timeout: 20_000 }).toContain('cluster_state:ok')
    await sleep(500)
  }
  for (const { id } of batches) {
    expect((await system.results(id)).every(({ status }) => status === 'succeeded')).toBe(true)
    const { counts, usage } = await system.batch(id)
    expect(counts).toMatchObject({ total: 60, succeeded: 60 })
    expect(usage.repeated_calls).toBe(0)
  }
  expect((await system.simulator.stats()).paid_again).toBe(0)
})

test('connections that are opened while a cluster is down work as soon as it is up', { timeout: 30_000 }, async () => {
  const { url, nodes } = await startCluster()
  for (const { redis } of nodes) {
    await redis.call('CLUSTER', 'DELSLOTS', 0)
    await expect.poll(async () => redis.call('CLUSTER', 'INFO')).toContain('cluster_state:fail')
  }
  const first = createRedis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: () => 100,
    // One node may be up while the others still report the cluster as down.
    resend: { times: 1_000, everyMs: 50 },
  })
  const connections = [first, first.duplicate()]
  onTestFinished(() => connections.forEach((it) => it.disconnect()))
  const refused = connections.map((it) => once(it, 'reconnecting'))
  const connecting = Promise.all(connections.map((it) => it.connect()))
  await Promise.all(refused)
  await nodes[0]!.redis.call('CLUSTER', 'ADDSLOTS', 0)
  await connecting
  for (const it of connections) expect(await it.set('key', 'value')).toBe('OK')
})

test('on a cluster messages reach their readers at once, also after a node was away, and no other node', async () => {
  const { nodes, url } = await startCluster()
  const sender = await connectWaiting(url, () => {})
  onTestFinished(() => sender.disconnect())
  const subscriber = await connectWaiting(url, () => {}, { subscribes: true })
  await using changes = createChanges({ subscriber })
  // In slots of all nodes.
  const channels = Array.from({ length: 12 }, (_, i) => `sluice:{batch-${i}}:changes`)
  const listeners = await Promise.all(channels.map((channel) => changes.listen(channel)))
  const longMs = 30_000
  const waits = async () => {
    const startedAt = performance.now()
    const waiting = Promise.all(listeners.map((listener) => listener.wait(longMs)))
    for (const channel of channels) await publish(sender, channel, 'changed')
    await waiting
    return performance.now() - startedAt
  }
  expect(await waits()).toBeLessThan(5_000)
  const [first] = nodes
  await first!.kill()
  await first!.restart()
  // Its connection for messages comes back by itself. What was sent before that is lost, as any message may be.
  await expect
    .poll(
      async () => {
        await Promise.all(channels.map((channel) => publish(sender, channel, 'changed')))
        const got = await Promise.all(
          listeners.map(async (listener) => {
            const startedAt = performance.now()
            await listener.wait(300)
            return performance.now() - startedAt < 250
          }),
        )
        return got.every(Boolean)
      },
      { timeout: 20_000 },
    )
    .toBe(true)
  for (const { redis } of nodes) expect(await redis.call('CLUSTER', 'INFO')).not.toContain('messages_publish_sent')
})

test('on a cluster the stream of everything shows batches and summaries from their start to their removal', async () => {
  const { url } = await startCluster()
  const system = await startSystem({ redisUrl: url })
  const left = new AbortController()
  onTestFinished(() => left.abort())
  const shown = new Map<string, string[]>()
  const response = await fetch(`${system.url}/v1/events`, { signal: left.signal })
  const reading = (async () => {
    let event = ''
    for await (const line of createInterface(Readable.fromWeb(response.body!))) {
      if (line.startsWith('event: ')) event = line.slice(7)
      if (!line.startsWith('data: ')) continue
      const { id, status } = JSON.parse(line.slice(6)) as { id: string; status?: string }
      shown.set(id, [...(shown.get(id) ?? []), status ?? event])
    }
  })()
  reading.catch(() => {})
  const last = (id: string) => expect.poll(() => shown.get(id)?.at(-1), { timeout: 30_000 })
  const batches = await Promise.all(Array.from({ length: 6 }, () => system.submit(people(5))))
  const summary = (await system.request('POST', '/v1/summaries', { text: longText(6), chunk_tokens: 300 })).body
  for (const { id } of batches) await last(id).toBe('in_progress')
  await last(summary.id).toBe('in_progress')
  expect((await system.request('POST', `/v1/batches/${batches[0]!.id}/pause`)).status).toBe(200)
  await last(batches[0]!.id).toBe('paused')
  expect((await system.request('POST', `/v1/batches/${batches[0]!.id}/resume`)).status).toBe(200)
  await system.worker()
  for (const { id } of [...batches, summary]) await last(id).toBe('completed')
  for (const { id } of batches) expect((await system.request('DELETE', `/v1/batches/${id}`)).status).toBe(200)
  for (const { id } of batches) await last(id).toBe('gone')
})

test('the preflight checks each node of a cluster and names the node with the problem', async () => {
  const { url, nodes } = await startCluster()
  const failover = { severity: 'warning', message: expect.stringContaining('replicates asynchronously') as string }
  expect(await preflight(url)).toEqual([failover])
  await nodes[1]!.redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await nodes[2]!.redis.config('SET', 'appendfsync', 'everysec')
  const name = (node: Server | undefined) => expect.stringContaining(`Node 127.0.0.1:${node!.port}: `) as string
  const findings = (await preflight(url)).toSorted((a, b) => a.severity.localeCompare(b.severity))
  expect(findings).toEqual([
    { severity: 'fatal', message: name(nodes[1]) },
    failover,
    { severity: 'weak', message: name(nodes[2]) },
  ])
})

test('Sentinel gives the address of the primary, also after a failover', async () => {
  const [primary, replica] = await startServers(2, () => [...durableOptions])
  await replica!.redis.replicaof('127.0.0.1', primary!.port)
  await expect.poll(() => replica!.redis.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up')
  const sentinel = await startSentinel(primary!.port)
  await expect.poll(() => sentinel.redis.call('SENTINEL', 'REPLICAS', 'main'), { timeout: 20_000 }).toHaveLength(1)
  const system = await startSystem({
    redisUrl: `redis-sentinel://127.0.0.1:${sentinel.port}#main`,
    simulator: { SIMULATOR_LATENCY_MS: '100' },
  })
  await system.worker({ SLUICE_CONCURRENCY: '5' })
  const { id } = await system.submit(people(200))
  await system.until(id, ({ counts }) => counts.succeeded > 20)
  await sentinel.redis.call('SENTINEL', 'FAILOVER', 'main')
  const results = await system.results(id)
  expect(results).toHaveLength(200)
  expect(results.every(({ status }) => status === 'succeeded')).toBe(true)
  expect(await replica!.redis.info('replication')).toContain('role:master')
})
