import { beforeAll, expect, test } from 'vitest'
import { chat } from '../support/chat-body.ts'
import { startSystem, type System } from '../support/system.ts'
import { expectAccessible, openPage } from './open-page.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file', simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
})

test('a batch of raw requests shows its endpoint, and each item its request and the response, with nothing of them interpreted', async () => {
  const markup = '<img src=x onerror="document.title = 1"> & 12345678901234567890'
  const items = [
    { id: 'markup', body: chat(markup, { seed: 1 }) },
    { id: 'rejected', body: chat('Hello', { n: 2 }) },
    { id: 'long', body: chat('many words '.repeat(30_000)) },
  ]
  const body = { task: 'request', endpoint: '/v1/chat/completions', name: 'raw', items }
  const { id } = (await system.request('POST', '/v1/batches', body)).body
  await system.until(id, ({ status }) => status === 'completed')

  const page = await openPage()
  await page.goto(`${system.url}/batches/${id}`)
  await page.getByText('Raw requests to').waitFor()
  expect(await page.locator('.meta-line').textContent()).toContain('/v1/chat/completions')
  await page.getByRole('navigation', { name: 'Parts of the batch' }).getByText('Items').click()
  await page.getByRole('columnheader', { name: 'Request' }).waitFor()

  await page.goto(`${system.url}/batches/${id}/items/0`)
  const request = page.getByRole('group', { name: 'Request' })
  await request.waitFor()
  expect(await request.textContent()).toContain(markup)
  expect(await page.locator('img').count()).toBe(0)
  const response = page.getByRole('group', { name: 'Response' })
  expect(await response.textContent()).toContain('chat.completion')
  await page.getByText('HTTP 200').first().waitFor()
  const text = page.locator('details.raw-json pre').first()
  expect(await text.textContent()).toBe(JSON.stringify(items[0]!.body))
  await expectAccessible(page, 'an item with a raw request')

  await page.goto(`${system.url}/batches/${id}/items/1`)
  await page.getByText('HTTP 400', { exact: true }).waitFor()
  expect(await page.getByRole('group', { name: 'Response' }).textContent()).toContain('invalid_request_error')

  await page.goto(`${system.url}/batches/${id}/items/2`)
  await page.getByText(/These are the first 200,000 of/).waitFor()
})
