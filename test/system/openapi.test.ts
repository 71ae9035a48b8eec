import type { Route } from '@sluice/contract/route'
import { routes } from '@sluice/contract/routes'
import { expect, test } from 'vitest'
import { people, person, startSystem } from '../support/system.ts'

test('the OpenAPI document describes every route, and every route answers as it says', async () => {
  // Nothing is sent to this address, so the delivery stays.
  const webhooks = {
    SLUICE_WEBHOOK_URL: 'http://127.0.0.1:9/',
    SLUICE_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(24).toString('base64')}`,
  }
  const system = await startSystem({ env: webhooks })
  await system.worker()
  const { body: document } = await system.request('GET', '/openapi.json')
  const operations = Object.entries<Record<string, { operationId: string }>>(document.paths).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, { operationId }]) => ({ operationId, method, path })),
  )

  const { id } = await system.submit(people(5))
  await system.until(id, ({ status }) => status === 'completed')
  const listed = async () => (await system.request('GET', '/v1/webhooks/deliveries')).body.data
  await expect.poll(listed).toHaveLength(1)
  const [{ id: delivery, endpoint_id: endpoint }] = await listed()
  const running = (await system.submit(people(2_000), { concurrency: 1 })).id
  const uploading = (await system.request('POST', '/v1/batches/uploads', { extractor: person })).body.id
  const { id: summary } = (await system.request('POST', '/v1/summaries', { text: 'All is well in the harbour.' })).body
  await system.request('GET', `/v1/summaries/${summary}?wait_s=20`)
  const { id: long } = (
    await system.request('POST', '/v1/summaries', { text: people(500).join(' '), chunk_tokens: 50, concurrency: 1 })
  ).body
  const requests: Record<string, { id?: string; query?: string; lines?: string; body?: unknown; status: number }> = {
    createExtractor: { body: { name: 'person', ...person }, status: 201 },
    listExtractors: { status: 200 },
    getExtractor: { id: 'person@1', status: 200 },
    listVersions: { id: 'person', status: 200 },
    createBatch: { body: { extractor: 'person', items: ['Ann is 3'] }, status: 202 },
    estimateBatch: { body: { extractor: 'person', items: ['Ann is 3'] }, status: 200 },
    openUpload: { body: { extractor: 'person' }, status: 201 },
    appendItems: { id: uploading, query: '?from=0', lines: '"Ann is 3"\n', status: 200 },
    sealBatch: { id: uploading, status: 202 },
    listBatches: { status: 200 },
    getBatch: { id: running, status: 200 },
    getBatchExtractor: { id: running, status: 200 },
    patchBatch: { id: running, body: { priority: 20 }, status: 200 },
    pauseBatch: { id: running, status: 200 },
    resumeBatch: { id: running, status: 200 },
    cancelBatch: { id: running, status: 200 },
    retryBatch: { id, status: 200 },
    streamResults: { id, status: 200 },
    streamEvents: { id, status: 200 },
    streamLive: { query: `?batch=${id}`, status: 200 },
    listFailures: { id, status: 200 },
    getTimeline: { id, status: 200 },
    listItems: { id, query: '?status=succeeded&limit=2', status: 200 },
    getItem: { id, query: '', status: 200 },
    deleteBatch: { id, status: 200 },
    extract: { body: { extractor: 'person', text: 'Ann is 3' }, status: 200 },
    createSummary: { body: { text: 'Ann is 3. Bob is 4.' }, status: 202 },
    listSummaries: { status: 200 },
    getSummary: { id: summary, query: '?wait_s=20', status: 200 },
    retrySummary: { id: long, status: 200 },
    cancelSummary: { id: long, status: 200 },
    deleteSummary: { id: summary, status: 200 },
    listWebhookDeliveries: { query: '?status=pending', status: 200 },
    getWebhookDelivery: { id: delivery, status: 200 },
    retryWebhookDelivery: { id: delivery, status: 200 },
    listWebhookEndpoints: { status: 200 },
    enableWebhookEndpoint: { id: endpoint, status: 200 },
    listLanes: { status: 200 },
    resumeLane: { id: 'default', status: 200 },
    metrics: { status: 200 },
    healthz: { status: 200 },
    readyz: { status: 200 },
    openapi: { status: 200 },
  }
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(requests).sort())

  // In the order above: a batch is retried and read before it is deleted.
  for (const [operationId, { id: name, query = '', lines, body, status }] of Object.entries(requests)) {
    const { method, path } = operations.find((one) => one.operationId === operationId)!
    const response = await fetch(
      `${system.url}${path.replace(/\{\w+\}/, name ?? '').replace('{index}', '0')}${query}`,
      {
        method: method.toUpperCase(),
        ...(lines === undefined ? {} : { headers: { 'content-type': 'application/x-ndjson' }, body: lines }),
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      },
    )
    expect([operationId, response.status]).toEqual([operationId, status])
    const { schema, contentTypes = ['application/json'] } = (routes as Record<string, Route>)[operationId]!.answers[
      status
    ]!
    expect(contentTypes).toContain(response.headers.get('content-type')?.split(';')[0])
    expect(Object.keys(document.paths[path][method].responses)).toContain(String(status))
    const text = operationId === 'streamLive' ? await firstEvent(response) : await response.text()
    if (contentTypes.includes('application/json')) expect(() => schema?.parse(JSON.parse(text))).not.toThrow()
    else if (operationId === 'streamResults')
      for (const line of text.trim().split('\n')) expect(() => schema?.parse(JSON.parse(line))).not.toThrow()
    else if (operationId === 'metrics') expect(text).toMatch(/^sluice_workers\{lane="default"\} 1$/m)
    else expect(text).toMatch(/^event: (progress|batch|lane)\ndata: \{/)
  }
})

/** Of a stream without an end. */
async function firstEvent(response: Response): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('\n\n')) text += (await reader.read()).value ?? ''
  await reader.cancel()
  return text
}

test('the page of the API docs asks no other host for anything', async () => {
  const { url } = await startSystem()
  const page = await (await fetch(`${url}/docs/`)).text()
  const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!)
  expect(sources.length).toBeGreaterThan(2)
  for (const source of sources) {
    expect(source).toMatch(/^\/docs\//)
    expect((await fetch(`${url}${source}`)).status).toBe(200)
  }
})
