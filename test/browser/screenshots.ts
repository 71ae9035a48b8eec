import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '@sluice/local/processes/app-process'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { chromium, type Page } from 'playwright-core'
import { buildScene, tickets } from './scene.ts'

// `pnpm screenshots [folder]`: pictures of every view in both themes for docs/guides/page.md, of a system that really runs.
const folder = resolve(process.argv[2] ?? 'docs/guides/page')
const address = /(http:\/\/127\.0\.0\.1:\d+)/
/** The charts need some samples. */
const runsForMs = 25_000

await using stack = new AsyncDisposableStack()
const start = async (...args: Parameters<typeof run>) => stack.use(await run(...args))
const redis = stack.use(await startOwnRedis())
const simulator = await start(
  'simulator',
  { SIMULATOR_PORT: '0', SIMULATOR_RPM: '2400', SIMULATOR_TPM: '600000' },
  address,
)
const simulatorUrl = simulator.ready[1]!
const common = {
  REDIS_URL: redis.url,
  SLUICE_CONFIG: 'test/support/page.config.ts',
  OPENAI_BASE_URL: `${simulatorUrl}/v1`,
  OPENAI_API_KEY: 'simulator',
}
const api = await start('api', { ...common, PORT: '0' }, address)
await start('worker', { ...common, SLUICE_CONCURRENCY: '24' }, /worker ready/)
const url = api.ready[1]!
const scene = await buildScene(url, simulatorUrl)
await sleep(runsForMs)

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking'],
})
stack.defer(() => browser.close())
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })

const failedItem = `/batches/${scene.failed}/items/12`
const views: readonly (readonly [name: string, path: string, prepare?: (page: Page) => Promise<void>])[] = [
  ['batches', '/'],
  ['batch', `/batches/${scene.running}`, (page) => page.locator('.u-over').first().waitFor()],
  ['failures', `/batches/${scene.failed}`, (page) => page.getByRole('row', { name: /invalid_output/ }).waitFor()],
  ['items', `/batches/${scene.failed}/items`],
  ['item', failedItem],
  ['lanes', '/lanes'],
  ['extractors', '/extractors'],
  ['extractor', '/extractors/support-ticket', tryIt],
  ['summaries', '/summaries'],
  ['summary', `/summaries/${scene.summary}`],
  ['new-batch', '/new', writeBatch],
]
for (const theme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ viewport: { width: 960, height: 590 }, colorScheme: theme })
  page.on('pageerror', (error) => console.error(error))
  for (const [name, path, prepare] of views) {
    await page.goto(`${url}${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await prepare?.(page)
    await page.waitForLoadState('load')
    await sleep(900)
    await page.screenshot({ path: join(folder, `${name}-${theme}.png`) })
  }
  await page.close()
}
const phone = await browser.newPage({ viewport: { width: 390, height: 760 }, colorScheme: 'light' })
for (const [name, path] of [
  ['phone-batches', '/'],
  ['phone-batch', `/batches/${scene.running}`],
] as const) {
  await phone.goto(`${url}${path}`)
  await sleep(1_200)
  await phone.screenshot({ path: join(folder, `${name}.png`) })
}
console.log(`Pictures are in ${folder}`)

async function tryIt(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Text' }).fill(tickets(2)[1]!.text)
  await page.getByRole('button', { name: 'Try it' }).click()
  await page.getByText('1 call').waitFor()
}

async function writeBatch(page: Page): Promise<void> {
  await page.getByLabel('Or paste texts').fill(
    tickets(6)
      .map(({ text }) => text)
      .join('\n'),
  )
  await page.getByRole('button', { name: 'From examples' }).click()
  for (const [at, name] of ['customer', 'order_number', 'amount'].entries())
    await page.getByLabel(`Name of column ${at + 1}`).fill(name)
  const answers = [
    ['Karen Holt', 'A-48000', '20.90'],
    ['Peter Lindqvist', 'A-48001', '21.90'],
  ]
  for (const [row, cells] of answers.entries())
    for (const [column, cell] of cells.entries())
      await page.getByLabel(`Answer ${row + 1}, column ${column + 1}`).fill(cell)
  await page.getByRole('button', { name: 'Use these fields' }).click()
  await page.getByRole('button', { name: /^Start 6/ }).waitFor()
}
