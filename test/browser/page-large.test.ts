import { randomBytes } from 'node:crypto'
import { createBatchId } from '@sluice/engine/batches/batch-id'
import { createKeys } from '@sluice/engine/redis/keys'
import { Redis } from 'ioredis'
import type { Page } from 'playwright-core'
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { person, startSystem, type System } from '../support/system.ts'
import { openPage } from './open-page.ts'

const batches = Number(process.env['PAGE_BATCHES'] ?? 10_000)
const items = Number(process.env['PAGE_ITEMS'] ?? 1_000_000)
const prefix = `test-${randomBytes(5).toString('hex')}`

let system: System
let large: string
beforeAll(async () => {
  system = await startSystem({ env: { SLUICE_PREFIX: prefix }, keepFor: 'file' })
  await copies((await system.submit(['a text'], { name: 'small' })).id)
  large = await upload()
})

/** As many batches as asked for: copies of one that was submitted, under ids of their own. */
async function copies(id: string): Promise<void> {
  const redis = new Redis(inject('redisUrl'))
  const keys = createKeys(prefix)
  const meta = await redis.dumpBuffer(keys.batch(id).meta)
  const pipeline = redis.pipeline()
  for (let i = 1; i < batches; i += 1) {
    const copy = createBatchId(Date.now() - 3_600_000 + i)
    pipeline.restore(keys.batch(copy).meta, 0, meta).hset(keys.batch(copy).meta, { name: JSON.stringify(`batch ${i}`) })
    pipeline.zadd(keys.allBatches, 0, copy)
  }
  await pipeline.exec()
  redis.disconnect()
}

async function upload(): Promise<string> {
  await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  async function* lines() {
    for (let from = 0; from < items; from += 10_000) {
      const part = Array.from({ length: Math.min(10_000, items - from) }, (_, i) => from + i)
      yield Buffer.from(part.map((i) => `{"id":"row-${i}","text":"Text ${i} of many."}\n`).join(''))
    }
  }
  const response = await fetch(
    `${system.url}/v1/batches?extractor=person&name=${encodeURIComponent('the large one')}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(lines()),
      duplex: 'half',
    },
  )
  return ((await response.json()) as { id: string }).id
}

/** What a page asks for, from now on: requests to the API and their bytes, and how many commands Redis runs meanwhile. */
async function measure(page: Page) {
  const redis = new Redis(inject('redisUrl'))
  onTestFinished(() => redis.disconnect())
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
  const asked: string[] = []
  let bytes = 0
  page.on('response', async (response) => {
    const { pathname, search } = new URL(response.url())
    if (!pathname.startsWith('/v1/') || pathname === '/v1/events') return
    asked.push(pathname + search)
    bytes += (await response.body().catch(() => Buffer.alloc(0))).length
  })
  const before = await commands()
  return { asked, bytes: () => bytes, commands: async () => (await commands()) - before }
}

test(`the list of ${batches} batches opens with few requests, bytes and commands, and goes on where one scrolls`, async () => {
  const page = await openPage()
  const seen = await measure(page)
  const startedAt = performance.now()
  await page.goto(system.url)
  await page.getByRole('link', { name: 'the large one' }).waitFor()
  const firstListMs = performance.now() - startedAt
  await page.getByText('Live').waitFor()
  console.error(
    `first list after ${Math.round(firstListMs)} ms, ${seen.asked.length} requests, ${seen.bytes()} bytes, ${await seen.commands()} commands`,
  )
  expect(firstListMs).toBeLessThan(3_000 * system.slowdown)
  expect(await page.locator('tbody tr').count()).toBe(50)
  await page.getByRole('button', { name: 'Show older batches' }).click()
  await expect.poll(() => page.locator('tbody tr').count()).toBe(100)
  expect(seen.asked.length).toBeLessThanOrEqual(10)
  expect(seen.bytes()).toBeLessThan(400_000)
  expect(await seen.commands()).toBeLessThan(3_000)
  await page.getByRole('searchbox').fill('batch 77')
  await page
    .getByRole('link', { name: /batch 77/ })
    .first()
    .waitFor()
})

test(`${items} items scroll from end to end, with some 40 rows in the page and a page of rows for each place`, async () => {
  const page = await openPage()
  const seen = await measure(page)
  await page.goto(`${system.url}/batches/${large}/items`)
  const table = page.getByRole('table')
  await table.getByText('row-0', { exact: true }).waitFor()
  await table.focus()
  await page.keyboard.press('End')
  await table.getByText(`row-${items - 1}`, { exact: true }).waitFor()
  await page.getByLabel('Go to item').fill(String(Math.floor(items / 2)))
  await page.keyboard.press('Enter')
  await table.getByText(`row-${Math.floor(items / 2)}`, { exact: true }).waitFor()
  await table.evaluate((element: any) => {
    element.scrollTop = element.scrollHeight * 0.25
  })
  await expect
    .poll(async () =>
      Number((await table.locator('.virtual-body [role=row]').first().getAttribute('aria-rowindex')) ?? 0),
    )
    .toBeGreaterThan(items * 0.24)
  await expect.poll(() => table.getByText('Waiting').count()).toBeGreaterThan(10)
  expect(await table.locator('.virtual-body [role=row]').count()).toBeLessThan(80)
  const rows = seen.asked.filter((path) => path.includes('/items?'))
  console.error(`${rows.length} requests for rows, ${seen.bytes()} bytes, ${await seen.commands()} commands`)
  expect(rows.length).toBeLessThanOrEqual(20)
  expect(seen.bytes()).toBeLessThan(1_000_000)
  await page.getByRole('searchbox').fill(`row-${Math.floor(items / 100)}`)
  await table.getByText(`row-${Math.floor(items / 100)}`, { exact: true }).waitFor()
})
