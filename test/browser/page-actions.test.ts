import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { people, startSystem, type System } from '../support/system.ts'
import { openPage } from './open-page.ts'
import { post } from './scene.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({
    env: { SLUICE_CONFIG: 'test/support/page.config.ts' },
    simulator: { SIMULATOR_LATENCY_MS: '300' },
    keepFor: 'file',
  })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
})

async function openBatch(page: Page, id: string): Promise<void> {
  await page.goto(`${system.url}/batches/${id}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
}

test('a batch is paused, resumed, limited, cancelled and deleted from its page; what cannot be undone asks first', async () => {
  const page = await openPage()
  const { id } = await system.submit(people(2_000), { concurrency: 4, name: 'steered' })
  await openBatch(page, id)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused: by a person').waitFor()
  expect((await system.batch(id)).status).toBe('paused')
  await page.getByText('Paused: by a person').waitFor()

  await page.getByRole('button', { name: 'Limits' }).click()
  await page.getByLabel('Concurrency').fill('7')
  await page.getByLabel('Priority').fill('20')
  await page.getByLabel('Cost cap in US dollars').fill('2.5')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The limits are changed.').waitFor()
  expect(await system.batch(id)).toMatchObject({ concurrency: 7, priority: 20, max_cost_usd: 2.5 })

  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('h1', { hasText: 'Running' }).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(/will not be done/).waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  expect((await system.batch(id)).status).toBe('in_progress')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await dialog.getByRole('button', { name: 'Cancel the batch' }).click()
  await page.locator('h1', { hasText: 'Cancelled' }).waitFor()

  await page.getByRole('button', { name: 'Delete' }).click()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('heading', { name: 'Batches' }).waitFor()
  expect((await system.request('GET', `/v1/batches/${id}`)).status).toBe(404)
})

test('a wrong limit is refused at the field, and nothing changes', async () => {
  const page = await openPage({ refused: [400] })
  const { id } = await system.submit(people(2_000), { concurrency: 1 })
  await openBatch(page, id)
  await page.getByRole('button', { name: 'Limits' }).click()
  await page.getByLabel('Cost cap in US dollars').fill('0')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').getByRole('alert').getByText('max_cost_usd').waitFor()
  expect((await system.batch(id)).max_cost_usd).toBeNull()
  await system.request('POST', `/v1/batches/${id}/cancel`)
})

test('failures are grouped, and one group is retried after its number and cost were shown', async () => {
  const page = await openPage()
  await system.simulator.set('faults', {
    script: [
      { match: 'Ticket 1.', fault: 'refusal', times: 1 },
      { match: 'Ticket 2.', fault: 'refusal', times: 1 },
      { match: 'Ticket 3.', fault: 'content_filter', times: 1 },
    ],
  })
  const { id } = await system.submit(people(6), { name: 'retried' })
  await system.until(id, ({ status }) => status === 'completed')
  await openBatch(page, id)
  const refused = page.getByRole('row', { name: /refused/ })
  await refused.getByRole('button', { name: 'Retry these' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(/It costs about \$0\.0/).waitFor()
  expect((await system.batch(id)).counts.failed).toBe(3)
  await dialog.getByRole('button', { name: /Retry for about \$/ }).click()
  await page.getByText('2 items will be tried again.').waitFor()
  await system.until(id, ({ status, counts }) => status === 'completed' && counts.failed === 1)
  await expect.poll(() => page.getByRole('row', { name: /refused/ }).count()).toBe(0)
  await page.getByRole('row', { name: /filtered/ }).waitFor()
})

test('results are downloaded as CSV and JSONL, all of them and what failed alone', async () => {
  const page = await openPage()
  await system.simulator.set('faults', { script: [{ match: 'Ticket 4.', fault: 'refusal', times: 1 }] })
  const { id } = await system.submit(people(6), { name: 'my people.csv' })
  await system.until(id, ({ status }) => status === 'completed')
  await openBatch(page, id)
  const download = async (name: string): Promise<{ lines: string[]; file: string }> => {
    await page.locator('summary', { hasText: 'Download' }).click()
    const [got] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()])
    await page.locator('summary', { hasText: 'Download' }).click()
    return { lines: (await readFile(await got.path(), 'utf8')).trimEnd().split(/\r?\n/), file: got.suggestedFilename() }
  }
  const csv = await download('Results as CSV')
  expect(csv.file).toMatch(/\.csv$/)
  expect(csv.lines).toHaveLength(7)
  expect(csv.lines[0]).toContain('name,age')
  expect(csv.lines[1]).toContain('John,20')
  expect((await download('Failed items as CSV')).lines).toHaveLength(2)
  expect((await download('Results as JSONL')).lines.map((line) => JSON.parse(line).status)).toHaveLength(6)
  expect(JSON.parse((await download('Failed items as JSONL')).lines[0]!)).toMatchObject({ error: { type: 'refused' } })
})

test('a lane that stands still says why, and is resumed from its view', async () => {
  const page = await openPage()
  await system.simulator.set('faults', { script: [{ fault: 'insufficient_quota', times: 50 }] })
  const { id } = await system.submit(people(30), { name: 'no funds' })
  await system.until(id, ({ status }) => status === 'paused')
  await page.goto(`${system.url}/lanes`)
  const lane = page.getByRole('region', { name: 'Lane default' })
  await lane.getByText(/Its batches are paused: \w+: ./).waitFor()
  await system.simulator.set('faults', { script: [] })
  await lane.getByRole('button', { name: 'Resume' }).click()
  await page.getByText('1 batch resumed.').waitFor()
  await system.until(id, ({ status }) => status === 'completed')
  await expect.poll(() => lane.getByText(/Its batches are paused/).count()).toBe(0)
})

test('a summary is made from a pasted text, shows its levels, and is deleted', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/summaries`)
  await page.getByRole('button', { name: 'New summary' }).click()
  await page
    .getByLabel('Text', { exact: true })
    .fill('The desk answered 40 messages. Most were about deliveries. '.repeat(40))
  await page.getByRole('button', { name: 'Summarize' }).click()
  await page.getByRole('heading', { name: 'Result' }).waitFor()
  await page.getByRole('link', { name: 'Level 1' }).waitFor()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The summary is deleted.').waitFor()
  expect(new URL(page.url()).pathname).toBe('/summaries')
})

test('a new version of an extractor is stored, and a mistake in its schema is shown at its line', async () => {
  const page = await openPage({ refused: [400] })
  const schema = {
    type: 'object',
    properties: { name: { type: 'string' } },
    required: ['name'],
    additionalProperties: false,
  }
  await post(system.url, '/v1/extractors', { name: 'edited', schema })
  await page.goto(`${system.url}/extractors/edited`)
  await page.getByRole('button', { name: 'New version' }).click()
  await page.getByRole('button', { name: 'JSON Schema' }).click()
  const editor = page.getByRole('textbox', { name: 'JSON Schema' })
  await editor.fill('{\n  "type": "object",\n  "properties": {\n    "name": { "type": "strin" }\n  }\n}')
  await page.getByRole('button', { name: 'Store' }).click()
  await page.getByRole('button', { name: 'Line 4' }).waitFor()
  await editor.fill('{\n  "type": "object",,\n}')
  await page.getByText('This is not valid JSON').waitFor()
  await page.getByRole('button', { name: 'Line 2' }).waitFor()
  await editor.fill(
    JSON.stringify({
      ...schema,
      properties: { name: { type: 'string' }, city: { type: 'string' } },
      required: ['name', 'city'],
    }),
  )
  await page.getByRole('button', { name: 'Store' }).click()
  await page.getByText('Stored as version 2.').waitFor()
  await page.locator('.diff [data-sign="+"]', { hasText: 'city' }).first().waitFor()
  expect((await system.request('GET', '/v1/extractors/edited')).body.version).toBe(2)
})
