import type { Summary } from '@sluice/contract/summary'
import { expect, test } from 'vitest'
import { longPages, longText } from '../../bench/long-text.ts'
import { makePdf } from '../../packages/documents/test/pdfs.ts'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { startSystem, type System } from '../support/system.ts'

async function submit(system: System, body: object, headers: Record<string, string> = {}): Promise<Summary> {
  const answer = await system.request('POST', '/v1/summaries', body, headers)
  expect(answer.status).toBe(202)
  return answer.body as Summary
}

async function settled(system: System, id: string): Promise<Summary> {
  const { body } = await system.request('GET', `/v1/summaries/${id}?wait_s=90`)
  expect(['completed', 'failed', 'paused', 'cancelled']).toContain(body.status)
  return body as Summary
}

test('36 pages in 6 chunks are summarized with six calls at once, with the summary of each chunk', async () => {
  const system = await startSystem({
    simulator: { SIMULATOR_LATENCY_MS: '2000', SIMULATOR_LATENCY_SPREAD: '0' },
  })
  await system.worker()
  const text = longText(36)
  const { id, ...accepted } = await submit(system, { text, chunks: 6, metadata: { pages: 36 } })
  expect(accepted).toMatchObject({ status: 'in_progress', summary: null, metadata: { pages: 36 } })
  const done = await settled(system, id)
  expect(done).toMatchObject({ status: 'completed', percent: 100, usage: { calls: 7, repeated_calls: 0 } })
  expect(done.levels.map(({ counts }) => counts.succeeded)).toEqual([6, 1])
  expect((await system.simulator.stats()).most_in_flight).toBe(6)
  expect(done.chunks.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text)
  for (const { summary, start, end } of done.chunks) {
    expect(summary.length).toBeLessThan((end - start) / 3)
    // The simulator's summaries are made of the text's own sentences.
    const part = text.slice(start, end)
    expect(summary.split(/(?<=\.) /).filter((sentence) => !part.includes(sentence))).toEqual([])
  }
  expect(done.summary!.length).toBeLessThan(text.length / 20)
  expect(done.summary!.length).toBeGreaterThan(200)
})

test('a summary whose workers are killed on every level is the same as without kills; each level is created once, and repeated calls are counted', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '700' } })
  const body = { text: longText(30), chunk_tokens: 500, reduce_tokens: 1_000 }
  const concurrency = { SLUICE_CONCURRENCY: '10' }
  let worker = await system.worker(concurrency)
  const calm = await settled(system, (await submit(system, body)).id)
  expect(calm.levels.length).toBe(3)
  const before = await system.simulator.stats()

  const headers = { 'idempotency-key': 'killed' }
  const { id } = await submit(system, body, headers)
  for (let level = 1; level < calm.levels.length; level += 1) {
    await expect
      .poll(
        async () => {
          const { body: now } = await system.request('GET', `/v1/summaries/${id}`)
          return now.levels[level - 1]?.counts.running ?? 0
        },
        { timeout: 60_000, interval: 20 },
      )
      .toBeGreaterThan(0)
    await worker.stop('SIGKILL')
    worker = await system.worker(concurrency)
  }
  const again = await system.request('POST', '/v1/summaries', body, headers)
  expect([again.status, again.body.id]).toEqual([200, id])
  const done = await settled(system, id)
  expect(done.status).toBe('completed')
  expect(done.summary).toBe(calm.summary)
  expect(done.chunks).toEqual(calm.chunks)
  expect(done.levels.map(({ counts }) => counts)).toEqual(calm.levels.map(({ counts }) => counts))
  expect(done.usage.calls).toBeGreaterThanOrEqual(calm.usage.calls)
  const after = await system.simulator.stats()
  const paidTwice = after.paid - before.paid - calm.usage.calls
  expect(paidTwice).toBeLessThanOrEqual(done.usage.repeated_calls)
  const { body: batches } = await system.request('GET', '/v1/batches?limit=100')
  expect(batches.data).toHaveLength(2 * calm.levels.length)
})

test('a 202 means the text is on disk: API, worker and Redis are killed right after it, and the summary is completed', async () => {
  await using redis = await startOwnRedis()
  const options = { redisUrl: redis.url, env: { SLUICE_PREFIX: 'same' } }
  const first = await startSystem({ ...options, simulator: { SIMULATOR_LATENCY_MS: '2000' } })
  const worker = await first.worker()
  const { id } = await submit(first, { text: longText(4), chunk_tokens: 300 })
  await Promise.all([first.api.stop('SIGKILL'), worker.stop('SIGKILL'), redis.kill()])
  await redis.start()

  const second = await startSystem(options)
  await second.worker()
  const done = await settled(second, id)
  expect(done.status).toBe('completed')
  expect(done.chunks.at(-1)?.end).toBe(longText(4).length)
})

test('a PDF of 36 pages is summarized in 6 chunks; one that cannot be read, or a malformed form, is refused', async () => {
  const system = await startSystem()
  await system.worker()
  const send = async (parts: readonly (readonly [name: string, value: string | Blob, fileName?: string])[]) => {
    const form = new FormData()
    for (const [name, value, fileName] of parts) {
      if (typeof value === 'string') form.append(name, value)
      else form.append(name, value, fileName)
    }
    const response = await fetch(`${system.url}/v1/summaries`, { method: 'POST', body: form })
    return { status: response.status, body: (await response.json()) as any }
  }
  const options = JSON.stringify({ chunks: 6, metadata: { pages: 36 } })
  const pdf = await makePdf(longPages(36))
  const { status, body } = await send([
    ['summary', options],
    ['document', new Blob([pdf]), 'report.pdf'],
  ])
  expect(status).toBe(202)
  const done = await settled(system, body.id)
  expect(done).toMatchObject({ status: 'completed', metadata: { pages: 36 }, usage: { calls: 7 } })
  expect(done.chunks).toHaveLength(6)
  expect(done.chunks.at(-1)!.summary).toContain('In section 36.')
  expect(done.summary!.length).toBeGreaterThan(200)

  const encrypted = new Blob([await makePdf(['secret'], { password: 'swordfish' })])
  const refusals: [Parameters<typeof send>[0], number, string, string][] = [
    [
      [
        ['summary', '{}'],
        ['document', encrypted, 'secret.pdf'],
      ],
      400,
      'unreadable_document',
      'document',
    ],
    [
      [
        ['summary', '{}'],
        ['document', new Blob(['x']), 'a.docx'],
      ],
      415,
      'unsupported_media_type',
      'document',
    ],
    [[['summary', '{}']], 400, 'invalid_request', 'document'],
    [[['document', new Blob(['Hello.']), 'a.txt']], 400, 'invalid_request', 'summary'],
    [
      [
        ['summary', '{"chunks": 0}'],
        ['document', new Blob(['Hello.']), 'a.txt'],
      ],
      400,
      'invalid_request',
      'chunks',
    ],
  ]
  for (const [parts, code, name, param] of refusals) {
    const refused = await send(parts)
    expect([refused.status, refused.body.error.code, refused.body.error.param]).toEqual([code, name, param])
  }
  expect((await system.request('GET', '/v1/batches')).body.data).toHaveLength(2)
})
