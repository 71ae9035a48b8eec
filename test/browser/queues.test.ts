import { expect, onTestFailed, test } from 'vitest'
import { longText } from '../../bench/long-text.ts'
import { people, startSystem } from '../support/system.ts'
import { openBrowser, screenshot } from './open-browser.ts'

test('Bull Board opens with the key and shows the progress of a batch up to 100 %', async () => {
  const key = 'a-key-of-forty-characters-for-this-test-1'
  const system = await startSystem({ env: { SLUICE_API_KEYS: key }, simulator: { SIMULATOR_LATENCY_MS: '400' } })
  const authorization = { authorization: `Bearer ${key}` }
  await system.worker({ SLUICE_CONCURRENCY: '6' })
  const page = await openBrowser()
  onTestFailed(() => screenshot(page, 'failed'))

  expect((await page.goto(`${system.url}/queues`))?.status()).toBe(401)
  await page.context().setExtraHTTPHeaders({ authorization: `Basic ${Buffer.from(`me:${key}`).toString('base64')}` })

  const { id } = (
    await system.request(
      'POST',
      '/v1/batches',
      { extractor: { schema: personSchema }, items: people(300) },
      authorization,
    )
  ).body
  await page.goto(`${system.url}/queues/queue/batches?status=active`)
  await page.getByText(id).first().waitFor()
  const seen = new Set<number>()
  const look = async () => {
    for (const text of await page.locator('[role="progressbar"], [class*="progress" i]').allTextContents()) {
      const percent = /(\d+)\s*%/.exec(text)?.[1]
      if (percent !== undefined) seen.add(Number(percent))
    }
    return seen.size
  }
  await expect.poll(look, { timeout: 60_000, interval: 200 }).toBeGreaterThanOrEqual(3)
  await screenshot(page, 'active')

  await page.goto(`${system.url}/queues/queue/batches?status=completed`)
  await expect.poll(async () => (await look()) > 0 && seen.has(100), { timeout: 60_000, interval: 300 }).toBe(true)
  await page.getByText(id).first().waitFor()
  await screenshot(page, 'completed')
  expect([...seen].some((percent) => percent > 0 && percent < 100)).toBe(true)

  // Read-only by default: the page offers nothing that changes a job.
  expect(await page.getByRole('button', { name: /retry|remove|clean|promote|obliterate/i }).count()).toBe(0)
})

test('Bull Board shows a summary and the batch of each level', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '500', SIMULATOR_LATENCY_SPREAD: '0' } })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  const page = await openBrowser()
  onTestFailed(() => screenshot(page, 'failed'))
  const body = { text: longText(12), chunk_tokens: 300, reduce_tokens: 500, concurrency: 10 }
  const { id } = (await system.request('POST', '/v1/summaries', body)).body
  await page.goto(`${system.url}/queues/queue/summaries?status=active`)
  await page.getByText(id).first().waitFor()
  await expect.poll(async () => (await page.content()).includes('level'), { timeout: 20_000 }).toBe(true)
  await screenshot(page, 'summary-active')

  const done = (await system.request('GET', `/v1/summaries/${id}?wait_s=60`)).body
  expect(done.status).toBe('completed')
  expect(done.levels.length).toBeGreaterThanOrEqual(3)
  await page.goto(`${system.url}/queues/queue/summaries?status=completed`)
  await page
    .getByText(/summary · \d+ chunks/)
    .first()
    .waitFor()
  await screenshot(page, 'summary-completed')
  await page.goto(`${system.url}/queues/queue/batches?status=completed`)
  for (const { level, batch_id: batchId } of done.levels) {
    await page.getByText(batchId).first().waitFor()
    expect(batchId).toMatch(new RegExp(`-level${level}$`))
  }
  await screenshot(page, 'summary-batches')
})

test('the API docs open in a browser and list every resource', async () => {
  const system = await startSystem()
  const page = await openBrowser()
  onTestFailed(() => screenshot(page, 'failed'))
  await page.goto(`${system.url}/docs/`)
  for (const path of ['/v1/extractors', '/v1/batches', '/v1/extract', '/v1/summaries']) {
    await expect.poll(() => page.locator(`[data-path="${path}"]`).count(), { timeout: 10_000 }).toBeGreaterThan(0)
  }
  await screenshot(page, 'docs')
})

const personSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
}
