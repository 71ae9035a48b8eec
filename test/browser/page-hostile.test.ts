import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { openPage } from './open-page.ts'

const hostile = {
  markup: `<img src=x onerror="globalThis.hit=1"><script>globalThis.hit=1</script>`,
  attribute: `" onmouseover="globalThis.hit=1" x="`,
  scheme: 'javascript:globalThis.hit=1',
  template: '${globalThis.hit=1}{{globalThis.hit=1}}',
  rightToLeft: '\u202Eevil\u202C \u0627\u0644\u0639\u0631\u0628\u064A\u0629',
  invisible: 'a\u200B\u200D\uFEFFb',
  prototype: '__proto__',
  entity: '&lt;b&gt;&amp;',
  long: 'W'.repeat(10_000),
} as const
const texts = Object.values(hostile)

let system: System
beforeAll(async () => {
  system = await startSystem({ env: { SLUICE_CONFIG: 'test/support/page.config.ts' }, keepFor: 'file' })
  await system.worker()
})

/** Nothing ran, nothing became an element, and the page is not wider than its window. */
async function expectHarmless(page: Page, where: string): Promise<void> {
  const seen = await page.evaluate(() => {
    const { document, hit, innerWidth } = globalThis as any
    return {
      hit: hit ?? null,
      images: document.querySelectorAll('main img, main script, main iframe').length,
      polluted: (Object.prototype as any).type ?? null,
      links: [...document.querySelectorAll('a')].filter((link: any) => !/^https?:/.test(link.href)).length,
      tooWide: document.documentElement.scrollWidth > innerWidth,
    }
  })
  expect({ where, ...seen }).toEqual({ where, hit: null, images: 0, polluted: null, links: 0, tooWide: false })
}

test('hostile names, ids, metadata, texts, answers and errors are shown as text in every view', async () => {
  const page = await openPage()
  await system.simulator.set('faults', { script: [{ match: 'refuse', fault: 'refusal', times: 1 }] })
  const schema = {
    type: 'object',
    properties: { name: { type: 'string', description: hostile.markup }, [hostile.markup]: { type: 'string' } },
    required: ['name', hostile.markup],
    additionalProperties: false,
  }
  await system.request('POST', '/v1/extractors', {
    name: 'hostile',
    schema,
    instructions: hostile.markup + hostile.long,
  })
  const items = texts.map((text, i) => ({
    id: `${i}${text}`.slice(0, 256),
    text: `My name is ${text}. ${i === 0 ? 'refuse' : ''}`,
    metadata: { [hostile.markup]: text, ['__proto__']: 'x' },
  }))
  const metadata = { [hostile.attribute]: hostile.markup, long: hostile.long, direction: hostile.rightToLeft }
  const { body } = await system.request('POST', '/v1/batches', {
    extractor: 'hostile',
    items,
    metadata,
    name: hostile.markup,
  })
  await system.request('POST', '/v1/batches', { extractor: 'hostile', items, name: hostile.rightToLeft })
  await system.request('POST', '/v1/batches', { extractor: 'hostile', items, name: 'W'.repeat(200) })
  await system.until(body.id, ({ status }) => status === 'completed')
  const { body: summary } = await system.request('POST', '/v1/summaries', { text: texts.join('. ') })
  await system.request('GET', `/v1/summaries/${summary.id}?wait_s=60`)

  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 })
    const views = [
      ['/', hostile.markup],
      [`/batches/${body.id}`, hostile.markup],
      [`/batches/${body.id}/items`, 'My name is'],
      ...texts.map((_, i) => [`/batches/${body.id}/items/${i}`, 'My name is'] as const),
      ['/extractors', 'hostile'],
      ['/extractors/hostile', hostile.markup],
      ['/summaries', summary.id],
      [`/summaries/${summary.id}`, 'Level 1'],
      ['/lanes', 'default'],
    ] as const
    for (const [path, ready] of views) {
      await page.goto(`${system.url}${path}`)
      await page.getByText(ready).first().waitFor()
      await expectHarmless(page, `${path} at ${width}`)
    }
  }
})

test('hostile strings typed into every field and address stay text', async () => {
  const page = await openPage({ refused: [400, 404, 413] })
  for (const text of texts) {
    await page.goto(system.url)
    await page.getByRole('searchbox').fill(text.slice(0, 200))
    await page
      .getByText(/No batch fits this filter|Created/)
      .first()
      .waitFor()
    await expectHarmless(page, `search ${text.slice(0, 20)}`)
    const encoded = encodeURIComponent(text.slice(0, 1_000))
    for (const path of [
      `/?status=${encoded}&lane=${encoded}`,
      `/batches/${encoded}`,
      `/extractors/${encoded}?version=${encoded}`,
      `/summaries/${encoded}`,
    ]) {
      await page.goto(`${system.url}${path}`)
      await page.locator('h1, [role=alert]').first().waitFor()
      await expectHarmless(page, path.slice(0, 60))
    }
  }
  await page.goto(`${system.url}/new`)
  await page.getByLabel('Or paste texts').fill(texts.join('\n'))
  for (const [at, text] of texts.entries()) {
    if (at > 0) await page.getByRole('button', { name: 'Add a field' }).click()
    await page.getByLabel(`Name of field ${at + 1}`).fill(text.slice(0, 200))
    await page.getByLabel(`Description of field ${at + 1}`).fill(text)
  }
  await page.locator('.start-bar .error-text').getByText('__proto__').waitFor()
  await page.getByRole('button', { name: 'JSON Schema' }).click()
  await expectHarmless(page, 'schema editor')
  await page.getByRole('button', { name: 'From examples' }).click()
  for (const [at, text] of texts.slice(0, 3).entries()) {
    await page.getByLabel(`Name of column ${at + 1}`).fill(text)
    await page.getByLabel(`Answer 1, column ${at + 1}`).fill(text)
  }
  await page.getByLabel('Name, to use it again').fill(hostile.markup)
  await expectHarmless(page, 'examples')
  const table = `id,${hostile.markup.replaceAll('"', '""').replace(/^/, '"')}",__proto__\n1,"${hostile.rightToLeft}",${hostile.long}\n`
  await page
    .locator('input[type="file"]')
    .first()
    .setInputFiles({
      name: `${hostile.markup.replaceAll('/', '')}.csv`,
      mimeType: 'text/csv',
      buffer: Buffer.from(table),
    })
  await page.getByLabel('Column with the text').waitFor()
  await expectHarmless(page, 'preview of a file')
})
