import { beforeAll, describe, expect, test } from 'vitest'
import { people, startSystem, type System } from '../support/system.ts'
import { expectAccessible, openPage } from './open-page.ts'
import { buildScene, type Scene, tickets } from './scene.ts'

let system: System
let scene: Scene
beforeAll(async () => {
  system = await startSystem({ env: { SLUICE_CONFIG: 'test/support/page.config.ts' }, keepFor: 'file' })
  await system.worker({ SLUICE_CONCURRENCY: '24' })
  scene = await buildScene(system.url, system.simulatorUrl)
})

/** What each view shows when it is there; `ready` is text that only loaded data has. */
const views: readonly (readonly [name: string, path: (scene: Scene) => string, ready: string | RegExp])[] = [
  ['batches', () => '/', 'tickets-november.csv'],
  ['a running batch', ({ running }) => `/batches/${running}`, 'What happened'],
  ['a batch with failures', ({ failed }) => `/batches/${failed}`, 'invalid_output'],
  ['items', ({ failed }) => `/batches/${failed}/items`, 'T-10003'],
  ['failed items', ({ failed }) => `/batches/${failed}/items?status=failed`, /found\./],
  ['an item that succeeded', ({ failed }) => `/batches/${failed}/items/0`, 'Karen Holt'],
  ['an item that failed', ({ failed }) => `/batches/${failed}/items/12`, 'Call 2'],
  ['lanes', () => '/lanes', 'nightly'],
  ['extractors', () => '/extractors', 'support-ticket'],
  ['an extractor', () => '/extractors/support-ticket', 'What changed'],
  ['summaries', () => '/summaries', 'summary_'],
  ['a summary', (made) => `/summaries/${made.summary}`, 'Summaries of the parts'],
  ['a new batch', () => '/new', 'Add texts first.'],
]

describe('every view opens by its address, without a violation in axe-core, light and dark', () => {
  test.each(views)('%s', async (name, path, ready) => {
    const page = await openPage()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.goto(`${system.url}${path(scene)}`)
      await page.getByText(ready).first().waitFor()
      await expectAccessible(page, `${name}, ${colorScheme}`)
    }
  })
})

test('on a phone no view is wider than the screen', async () => {
  const page = await openPage()
  await page.setViewportSize({ width: 360, height: 740 })
  for (const [name, path, ready] of views) {
    await page.goto(`${system.url}${path(scene)}`)
    await page.getByText(ready).first().waitFor()
    const wide = await page.evaluate(() => (globalThis as any).document.documentElement.scrollWidth)
    expect({ name, wide }).toEqual({ name, wide: 360 })
  }
})

test('a batch moves before the eyes, in list and view, by the stream and without another request for the list', async () => {
  const page = await openPage()
  const listed: string[] = []
  page.on('request', (request) => {
    if (/\/v1\/batches(\?|$)/.test(request.url())) listed.push(request.url())
  })
  await system.submit(people(2_000), { name: 'moves', concurrency: 10 })
  await page.goto(system.url)
  const bar = page.getByRole('progressbar', { name: 'Progress of moves' })
  await bar.waitFor()
  await page.getByText('Live').waitFor()
  const seen = new Set<string | null>()
  await expect
    .poll(async () => seen.add(await bar.getAttribute('aria-valuetext')).size, { interval: 300 })
    .toBeGreaterThan(3)
  // One when the view opened, and one when the stream was there.
  expect(listed.length).toBeLessThanOrEqual(2)

  await page.getByRole('link', { name: 'moves' }).click()
  await page.getByRole('heading', { name: /moves/ }).waitFor()
  const fact = page.locator('dt:text-is("Succeeded") + dd')
  const before = await fact.textContent()
  await expect.poll(() => fact.textContent()).not.toBe(before)
  await page
    .getByText(/limited by|calls in flight/)
    .first()
    .waitFor()
})

test('a batch that another program submits appears at the top, and goes when it is deleted', async () => {
  const page = await openPage()
  await page.goto(system.url)
  await page.getByText('Live').waitFor()
  const { id } = await system.submit(['Maria is 34 years old.'], { name: 'from elsewhere' })
  await page.locator('tbody tr').first().getByText('from elsewhere').waitFor()
  await system.until(id, ({ status }) => status === 'completed')
  await page.locator('tbody tr', { hasText: 'from elsewhere' }).getByText('Completed').waitFor()
  await system.request('DELETE', `/v1/batches/${id}`)
  await expect.poll(() => page.getByText('from elsewhere').count()).toBe(0)
})

test('batches are filtered and found, and the address keeps the filter', async () => {
  const page = await openPage()
  await page.goto(system.url)
  await page.getByRole('searchbox').fill('oCToBeR')
  await expect.poll(() => page.locator('tbody tr').count()).toBe(2)
  await page.getByRole('searchbox').fill('tickets-oct')
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
  await page.reload()
  expect(await page.getByRole('searchbox').inputValue()).toBe('tickets-oct')
  await page.getByRole('link', { name: 'tickets-october.csv' }).waitFor()
  await page.getByRole('searchbox').fill('nothing is called so')
  await page.getByText('No batch fits this filter').waitFor()
  await page.getByRole('link', { name: 'Show all batches' }).click()
  await page.getByLabel('Lane').selectOption('nightly')
  await expect.poll(() => page.locator('tbody tr').count()).toBe(2)
  await page.getByLabel('Status').selectOption('paused')
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
})

test('items are found, filtered, and opened by keyboard alone', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/batches/${scene.failed}/items`)
  const table = page.getByRole('table')
  await table.getByText('T-10000').waitFor()
  await table.focus()
  for (const key of ['End', 'ArrowUp', 'Enter']) await page.keyboard.press(key)
  await page.getByRole('heading', { name: /Item 238/ }).waitFor()
  await page.goBack()
  await page.getByRole('searchbox').fill('t-10123')
  await page.getByText('1 found.').waitFor()
  await page.getByRole('searchbox').fill('')
  await page.getByRole('combobox', { name: 'Error' }).selectOption('refused')
  await page.getByText('11 found.').waitFor()
  await page.getByLabel('Go to item').count()
  await page.getByRole('link', { name: 'T-10007' }).click()
  await page.getByText(/sorry/).first().waitFor()
  await page.getByRole('link', { name: 'Items', exact: true }).last().click()
  await page.getByText('11 found.').waitFor()
  expect(new URL(page.url()).search).toBe('?error_type=refused')
})

test('an item shows its text beside its answer, and every call with what was asked again and why', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/batches/${scene.failed}/items/0`)
  await page.locator('mark', { hasText: 'Karen Holt' }).waitFor()
  await page.goto(`${system.url}/batches/${scene.failed}/items/12`)
  await page.getByText('Call 2').waitFor()
  await page
    .getByText(/must be string or null/)
    .first()
    .waitFor()
  await page.getByText('Raw answer').first().click()
  await page.getByText('"unexpected":true').first().waitFor()
  expect(await page.locator('.attempts > li').count()).toBe(2)
})

test('an extractor shows its versions, their difference, and the answer of a try', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/extractors`)
  await page.getByRole('link', { name: 'support-ticket' }).click()
  await page.locator('.diff [data-sign="+"]', { hasText: '"amount"' }).first().waitFor()
  await page.getByRole('textbox', { name: 'Text' }).fill(tickets(1)[0]!.text)
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.locator('.json dd', { hasText: 'Karen Holt' }).waitFor()
  await page.getByRole('combobox', { name: 'Version' }).first().selectOption('1')
  await expect.poll(() => page.locator('.schema-table', { hasText: 'amount' }).count()).toBe(0)
})

test('the theme follows the system until a person chooses another, and the choice stays', async () => {
  const page = await openPage()
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto(system.url)
  const back = () =>
    page.evaluate(() => (globalThis as any).getComputedStyle((globalThis as any).document.body).backgroundColor)
  const dark = await back()
  await page.getByRole('button', { name: /Theme/ }).click()
  await expect.poll(back).not.toBe(dark)
  await page.reload()
  await page.getByRole('button', { name: 'Theme: light' }).waitFor()
  expect(await back()).not.toBe(dark)
})

test('what is missing is said: an unknown batch, an unknown item, an unknown path', async () => {
  const page = await openPage({ refused: [404] })
  await page.goto(`${system.url}/batches/batch_unknown`)
  await page.getByText("There is no batch 'batch_unknown'.").waitFor()
  await page.goto(`${system.url}/batches/${scene.failed}/items/99999`)
  await page.getByRole('alert').waitFor()
  const response = await page.goto(`${system.url}/nothing/here`)
  expect(response?.status()).toBe(404)
})

test('without a stream the page says so and loads again by itself; with one it is live', async () => {
  const page = await openPage({ blocked: true })
  await page.route('**/v1/events', (route) => route.abort())
  await page.goto(system.url)
  await page.getByText('Reconnecting').waitFor()
  const { id } = await system.submit(['Maria is 34 years old.'], { name: 'without a stream' })
  await page.getByText('without a stream').waitFor()
  await page.unroute('**/v1/events')
  await page.getByText('Live').waitFor()
  await system.until(id, ({ status }) => status === 'completed')
  await page.locator('tbody tr', { hasText: 'without a stream' }).getByText('Completed').waitFor()
  expect(await page.getByText('Reconnecting').count()).toBe(0)
})
