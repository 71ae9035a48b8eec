import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { people, person, startSystem, type System } from '../support/system.ts'
import { openPage } from './open-page.ts'
import { post } from './scene.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({
    env: { SLUICE_CONFIG: 'test/support/page.config.ts' },
    simulator: { SIMULATOR_LATENCY_MS: '300' },
    keepFor: 'file',
  })
  await system.worker({ SLUICE_CONCURRENCY: '6' })
})

/** As the browser itself does it when a person lets go of a folder: no script of a test can make such an event. */
async function dropFolder(page: Page, folder: string): Promise<void> {
  const box = await page.getByText('or a folder here').boundingBox()
  if (box === null) throw new Error('There is no place to drop files.')
  const debug = await page.context().newCDPSession(page)
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  const data = { items: [], files: [folder], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await debug.send('Input.dispatchDragEvent', { type, ...place, data })
}

test('a folder is dropped: the documents in it and in its folders become items, and hidden files do not', async () => {
  const page = await openPage()
  const folder = join(mkdtempSync(join(tmpdir(), 'sluice-drop-')), 'my letters')
  mkdirSync(join(folder, '2025', 'späte'), { recursive: true })
  writeFileSync(join(folder, 'a.txt'), 'My name is Ann and I am 20 years old.')
  writeFileSync(join(folder, '2025', 'a.txt'), 'My name is Ben and I am 30 years old.')
  writeFileSync(join(folder, '2025', 'späte', 'ü.html'), '<p>My name is Cleo and I am 40 years old.</p>')
  writeFileSync(join(folder, '.hidden'), 'x')
  await page.goto(`${system.url}/new`)
  await dropFolder(page, folder)
  await page.getByText('3 documents').waitFor()
  // Two files have the same name: their folders tell them apart.
  await page.getByText('my letters/2025/a.txt').waitFor()
  await page.getByLabel('Name of field 1').fill('name')
  await page.getByRole('button', { name: 'Start 3 items' }).click()
  await page.waitForURL(/\/batches\/batch_/)
  const id = new URL(page.url()).pathname.split('/')[2]!
  await system.until(id, ({ status }) => status === 'completed')
  const results = await system.results(id, '&order=input')
  expect(Object.fromEntries(results.map(({ id: name, data }: any) => [name, data.name]))).toEqual({
    'my letters/2025/a.txt': 'Ben',
    'my letters/2025/späte/ü.html': 'Cleo',
    'my letters/a.txt': 'Ann',
  })
})

test('a running summary is paused, resumed and cancelled from its page, and a failed one is retried', async () => {
  const page = await openPage()
  const text = Array.from({ length: 600 }, (_, i) => `On day ${i} the desk answered ${40 + (i % 30)} messages.`)
  const { id } = await post(system.url, '/v1/summaries', { text: text.join(' '), chunk_tokens: 200 })
  await page.goto(`${system.url}/summaries/${id}`)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused: by a person').waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('h1', { hasText: 'Running' }).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the summary' }).click()
  await page.locator('h1', { hasText: 'Cancelled' }).waitFor()

  await system.simulator.set('faults', { script: [{ match: 'nothing happened', fault: 'refusal', times: 10 }] })
  const failing = await post(system.url, '/v1/summaries', { text: 'On day 1 nothing happened.' })
  await page.goto(`${system.url}/summaries/${failing.id}`)
  await page.locator('h1', { hasText: 'Failed' }).waitFor()
  await system.simulator.set('faults', { script: [] })
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('heading', { name: 'Result' }).waitFor()
  const { body } = await system.request('GET', `/v1/summaries/${failing.id}`)
  expect(body).toMatchObject({ status: 'completed', error: null })
})

test('two tabs show the same state, whichever of them acts', async () => {
  const page = await openPage()
  const { id } = await system.submit(people(2_000), { name: 'in two tabs', concurrency: 1 })
  await page.goto(`${system.url}/batches/${id}`)
  const other = await page.context().newPage()
  await other.goto(`${system.url}/batches/${id}`)
  await other.getByRole('button', { name: 'Pause' }).click()
  await page.bringToFront()
  await page.getByText('Paused: by a person', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await other.bringToFront()
  await other.locator('h1', { hasText: 'Running' }).waitFor()
  await other.close()
  expect((await system.batch(id)).status).toBe('in_progress')
  await system.request('POST', `/v1/batches/${id}/cancel`)
})

test('a held lane says for how long and why, and so does its batch, whose time left is no shorter', async () => {
  const page = await openPage()
  const { id } = await system.submit(people(2_000), { name: 'held' })
  await system.until(id, ({ eta_s: eta }) => eta !== null)
  await system.simulator.set('faults', { script: [{ fault: 'rate_limit', times: 60, retry_after_s: 300 }] })
  await page.goto(`${system.url}/lanes`)
  const lane = page.getByRole('region', { name: 'Lane default' })
  await lane.getByText(/No call starts for \d+ min/).waitFor()
  await page.goto(`${system.url}/batches/${id}`)
  await page.getByText(/Waits \d+ min .* more: .*429/).waitFor()
  const { hold, eta_s: eta } = await system.batch(id)
  expect(eta!.p50).toBeGreaterThan(hold!.until - Date.now() / 1_000 - 5)
  await system.simulator.set('faults', { script: [] })
  await page.getByRole('link', { name: 'Lanes', exact: true }).last().click()
  await lane.getByRole('button', { name: 'Resume' }).click()
  await expect.poll(() => lane.getByText(/No call starts for/).count()).toBe(0)
  await system.request('POST', `/v1/batches/${id}/cancel`)
})

test('the extractor of an inline batch is shown, and the batch of a try is known by its name', async () => {
  const page = await openPage()
  const { id } = await system.submit(people(2), { name: 'inline' })
  await page.goto(`${system.url}/batches/${id}`)
  await page.locator('summary', { hasText: 'What it extracts' }).click()
  await page.getByText(person.instructions).waitFor()
  await page.getByRole('cell', { name: 'age' }).waitFor()

  await post(system.url, '/v1/extractors', { name: 'tried', ...person })
  await page.goto(`${system.url}/extractors/tried`)
  await page.getByLabel('Text').fill('My name is Ann and I am 20 years old.')
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.getByText(/1 call/).waitFor()
  await page.getByRole('link', { name: 'Batches', exact: true }).first().click()
  await page.getByRole('link', { name: 'Try of tried@1' }).waitFor()
  const named = await system.request('GET', '/v1/batches?search=Try%20of')
  expect(named.body.data).toMatchObject([{ name: 'Try of tried@1', extractor: 'tried@1' }])
})

test('a view that is open while the API restarts goes on by itself, its charts included', async () => {
  const page = await openPage({ blocked: true })
  const { id } = await system.submit(people(2_000), { name: 'restarted', concurrency: 2 })
  // The library of the charts is asked for, and the server is gone before it answers.
  await page.route(/uPlot/, (route) => route.abort(), { times: 1 })
  await page.goto(`${system.url}/batches/${id}`)
  await page.getByText('Live', { exact: true }).waitFor()
  const doneBefore = (await system.batch(id)).counts.succeeded
  await system.api.stop('SIGKILL')
  await page.getByText('Reconnecting').waitFor()
  await page.getByRole('heading', { name: /restarted/ }).waitFor()
  await system.anotherApi(Number(new URL(system.url).port))
  await page.getByText('Live', { exact: true }).waitFor()
  const shown = async () =>
    Number((await page.locator('dt', { hasText: 'Succeeded' }).locator('+ dd').innerText()).replaceAll(/\D/g, ''))
  await expect.poll(shown).toBeGreaterThan(doneBefore)
  await expect.poll(() => page.locator('.chart canvas').count()).toBe(2)
  await system.request('POST', `/v1/batches/${id}/cancel`)
})
