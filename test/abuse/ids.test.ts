import { routes } from '@sluice/contract/routes'
import { expect, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'
import { longText } from '../../bench/long-text.ts'

test('the id of a batch is no id of a summary, nor the other way: 404, at once, and nothing changes', async () => {
  const system = await startSystem()
  const batch = await system.submit(people(5))
  const text = longText(3)
  const summary = (await system.request('POST', '/v1/summaries', { text, chunk_tokens: 200 })).body
  const before = [await system.batch(batch.id), (await system.request('GET', `/v1/summaries/${summary.id}`)).body]

  const asked: string[] = []
  for (const { method, path } of Object.values(routes)) {
    const other = path.startsWith('/v1/summaries/{id}')
      ? batch.id
      : path.startsWith('/v1/batches/{id}')
        ? summary.id
        : null
    if (other === null) continue
    // Several at once: each of them must end by itself.
    const isUpload = method === 'post' && path.endsWith('/items')
    const query = isUpload ? '?from=0' : ''
    const body = { patch: { priority: 5 }, post: undefined, get: undefined, delete: undefined }[method]
    for (let at = 0; at < 3; at += 1) {
      const response = await fetch(`${system.url}${path.replace('{id}', other).replace('{index}', '0')}${query}`, {
        method: method.toUpperCase(),
        signal: AbortSignal.timeout(20_000),
        ...(isUpload
          ? { headers: { 'content-type': 'application/x-ndjson' }, body: '"a"\n' }
          : body === undefined
            ? {}
            : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
      const { error } = (await response.json()) as { error: { code: string } }
      const kind = path.startsWith('/v1/summaries') ? 'summary' : 'batch'
      expect([method, path, response.status, error.code]).toEqual([method, path, 404, `${kind}_not_found`])
    }
    asked.push(path)
  }
  expect(asked.length).toBeGreaterThan(12)
  expect([await system.batch(batch.id), (await system.request('GET', `/v1/summaries/${summary.id}`)).body]).toEqual(
    before,
  )
})

test('an id that is none is not found', async () => {
  const system = await startSystem()
  const odd = ['batch_', 'batch_{x}', 'batch_*', '..%2f..%2fetc', 'constructor', '__proto__', 'batch_x}:meta', '%00']
  for (const id of [...odd, 'a'.repeat(2_000)]) {
    for (const kind of ['batches', 'summaries', 'extractors']) {
      const { status } = await system.request('GET', `/v1/${kind}/${id}`)
      expect([kind, id, status]).toEqual([kind, id, 404])
    }
  }
  // No path of this server at all, or no text.
  expect((await system.request('GET', '/v1/batches/%E0%A4%A')).status).toBe(400)
})
