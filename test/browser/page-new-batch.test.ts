import { readFile } from 'node:fs/promises'
import PdfDocument from 'pdfkit'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { openPage } from './open-page.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ env: { SLUICE_CONFIG: 'test/support/page.config.ts' }, keepFor: 'file' })
  await system.worker({ SLUICE_CONCURRENCY: '20' })
})

async function choose(page: Page, ...files: { name: string; text: string | Buffer }[]): Promise<void> {
  await page
    .locator('input[type="file"]')
    .first()
    .setInputFiles(
      files.map(({ name, text }) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })),
    )
}

async function nameFields(page: Page, ...names: string[]): Promise<void> {
  for (const [at, name] of names.entries()) {
    if (at > 0) await page.getByRole('button', { name: 'Add a field' }).click()
    await page.getByLabel(`Name of field ${at + 1}`).fill(name)
  }
}

/** Starts what is on the page and returns the batch, once it has ended. */
async function start(page: Page) {
  await page.getByRole('button', { name: /^Start .*\d/ }).click()
  await page.waitForURL(/\/batches\//)
  const id = new URL(page.url()).pathname.split('/')[2]!
  return system.until(id, ({ status }) => status === 'completed')
}

test('a newcomer gets from the first page to a CSV of results of their own file', async () => {
  const page = await openPage()
  await page.goto(system.url)
  await page.getByRole('link', { name: 'New batch' }).first().click()
  const rows = ['John', 'Mary', 'Bob'].map((name, i) => `c-${i},"My name is ${name} and I am ${30 + i} years old",mail`)
  await choose(page, { name: 'my customers.csv', text: `id,message,channel\n${rows.join('\n')}\nc-9,,chat\n` })
  await page.getByText('1 row without a text is left out').waitFor()
  expect(await page.getByLabel('Column with the text').inputValue()).toBe('message')
  expect(await page.getByLabel('Column with an id').inputValue()).toBe('id')

  await page.getByRole('button', { name: 'From examples' }).click()
  await page.getByLabel('Name of column 1').fill('name')
  await page.getByLabel('Name of column 2').fill('age')
  await page.getByLabel('Answer 1, column 1').fill('John')
  await page.getByLabel('Answer 1, column 2').fill('30')
  await page.getByRole('button', { name: 'Use these fields' }).click()
  expect(await page.getByLabel('Kind of field 2').inputValue()).toBe('integer')
  await page.getByText(/About \$0\.0/).waitFor()
  await page.getByText('Try it on one text').click()
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.locator('.json dd', { hasText: 'John' }).waitFor()

  const batch = await start(page)
  expect(batch).toMatchObject({ name: 'my customers.csv', counts: { total: 3, succeeded: 3 } })
  await page.locator('summary', { hasText: 'Download' }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Results as CSV' }).click(),
  ])
  const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split(/\r?\n/)
  expect(lines).toHaveLength(4)
  expect(lines[0]).toMatch(/^index,id,status,name,age,/)
  expect(lines[1]).toMatch(/^0,c-0,succeeded,John,30,.*mail/)
})

test('pasted texts, a stored extractor, and options', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/new`)
  await page.getByLabel('Or paste texts').fill('Anna is 20 years old.\n\nBen is 21 years old.\n')
  await page.getByText('2 texts').waitFor()
  await nameFields(page, 'name', 'age')
  await page.getByLabel('Name, to use it again').fill('pasted-people')
  await page.getByText('Limits and options').click()
  await page.getByLabel('Concurrency').fill('3')
  await page.getByLabel('Pay for the same text only once').check()
  await page.getByLabel('Name of the batch').fill('by hand')
  expect(await start(page)).toMatchObject({
    extractor: 'pasted-people@1',
    concurrency: 3,
    name: 'by hand',
    counts: { total: 2 },
  })

  await page.getByRole('link', { name: 'New batch' }).first().click()
  await page.getByRole('combobox', { name: 'Extractor' }).selectOption('pasted-people')
  await page.getByLabel('Or paste texts').fill('Carl is 22 years old.')
  expect(await start(page)).toMatchObject({ extractor: 'pasted-people@1', counts: { total: 1, succeeded: 1 } })
})

test('JSON lines keep their ids and data, and documents are read', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/new`)
  const lines = [1, 2].map((n) => JSON.stringify({ id: `r${n}`, text: `Ann is ${n} years old`, stars: n }))
  await choose(page, { name: 'reviews.jsonl', text: lines.join('\n') })
  await page.getByLabel('Column with the text').waitFor()
  await nameFields(page, 'name')
  const batch = await start(page)
  expect((await system.results(batch.id)).map(({ id, metadata }) => ({ id, metadata }))).toEqual([
    { id: 'r1', metadata: { stars: 1 } },
    { id: 'r2', metadata: { stars: 2 } },
  ])

  await page.getByRole('link', { name: 'New batch' }).first().click()
  await choose(
    page,
    { name: 'a.pdf', text: await pdf('Maria is 34 years old.') },
    { name: 'b.md', text: 'Otto is 40 years old.' },
  )
  await page.getByText('2 documents', { exact: true }).waitFor()
  await nameFields(page, 'name', 'age')
  const read = await start(page)
  expect((await system.results(read.id)).map(({ status }) => status)).toEqual(['succeeded', 'succeeded'])
})

test('a file larger than one request goes in pieces, and a piece that breaks is sent again without a lost or doubled item', async () => {
  const page = await openPage({ blocked: true })
  let broken = 0
  await page.route('**/items?from=*', (route) => {
    broken += 1
    return broken === 2 ? route.abort() : route.continue()
  })
  await page.goto(`${system.url}/new`)
  const count = 26_000
  const rows = Array.from({ length: count }, (_, i) => `${i},Ann ${i}`)
  await choose(page, { name: 'large.csv', text: `id,text\n${rows.join('\n')}` })
  await page.getByText(/about .* texts/).waitFor()
  await nameFields(page, 'name')
  await page.getByText('Limits and options').click()
  await page.getByLabel('Concurrency').fill('1')
  await page.getByRole('button', { name: /^Start about/ }).click()
  await page.waitForURL(/\/batches\//)
  const id = new URL(page.url()).pathname.split('/')[2]!
  expect((await system.batch(id)).counts.total).toBe(count)
  // Three pieces, one of them twice.
  expect(broken).toBe(4)
  const { body } = await system.request('GET', `/v1/batches/${id}/items?from=${count - 1}&limit=1`)
  expect(body.data[0]).toMatchObject({ id: String(count - 1), text: `Ann ${count - 1}` })
  await system.request('POST', `/v1/batches/${id}/cancel`)
})

test('a schema that the server refuses is shown at its line, and nothing can be started', async () => {
  const page = await openPage({ refused: [400] })
  await page.goto(`${system.url}/new`)
  await page.getByLabel('Or paste texts').fill('a text')
  await page.getByRole('button', { name: 'JSON Schema' }).click()
  await page
    .getByRole('textbox', { name: 'JSON Schema' })
    .fill('{\n "type": "object",\n "properties": { "a": { "type": "text" } }\n}')
  await page.getByRole('button', { name: 'Line 3' }).waitFor()
  expect(await page.getByRole('button', { name: 'Start' }).isDisabled()).toBe(true)
})

test('a file that cannot be read says why, and ids that come twice are refused by name', async () => {
  const page = await openPage({ refused: [400] })
  await page.goto(`${system.url}/new`)
  await choose(page, { name: 'broken.jsonl', text: '{"text":"a"}\n{broken' })
  await page.getByText(/broken.jsonl: line 2 is not valid JSON/).waitFor()
  await choose(page, { name: 'twice.csv', text: 'nr,text\n7,a\n7,b\n' })
  await page.getByLabel('Column with an id').selectOption('nr')
  await nameFields(page, 'name')
  await page.getByRole('button', { name: /^Start 2/ }).click()
  expect(await page.getByRole('alert').textContent()).toMatch(/'7'|7/)
})

test('what was put together is kept while another view is looked at', async () => {
  const page = await openPage()
  await page.goto(`${system.url}/new`)
  await page.getByLabel('Or paste texts').fill('kept text')
  await page.getByRole('link', { name: 'Lanes' }).click()
  await page.getByRole('heading', { name: 'Lanes' }).waitFor()
  await page.goBack()
  expect(await page.getByLabel('Or paste texts').inputValue()).toBe('kept text')
})

async function pdf(text: string): Promise<Buffer> {
  const document = new PdfDocument()
  document.text(text)
  document.end()
  const parts: Buffer[] = []
  for await (const part of document) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
