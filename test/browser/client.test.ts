import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFailed, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'
import { openBrowser, screenshot } from './open-browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A page on the API's own origin, as behind a proxy that serves both. It uses the published form of the package and the installed zod. */
const page = `<!doctype html><title>client</title>
<script type="importmap">{ "imports": { "@sluice/client": "/app/client/index.js", "zod": "/app/zod/index.js" } }</script>
<script type="module">
  import { createClient, ItemError } from '@sluice/client'
  import { z } from 'zod'
  Object.assign(window, { createClient, ItemError, z })
  document.title = 'ready'
</script>`
const folders = { client: 'packages/client/dist', zod: 'node_modules/zod' }

test('the client works in a page: gather, follow, abort and resume', async () => {
  execFileSync(process.execPath, ['packages/client/build.ts'], { cwd: root, stdio: 'ignore' })
  const key = 'a-key-of-forty-characters-for-this-test-1'
  const system = await startSystem({ env: { SLUICE_API_KEYS: key }, simulator: { SIMULATOR_LATENCY_MS: '200' } })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  await system.simulator.set('faults', { script: [{ match: 'Ticket 2.', fault: 'refusal', times: 1 }] })

  const browser = await openBrowser()
  onTestFailed(() => screenshot(browser, 'client-failed'))
  const errors: string[] = []
  browser.on('pageerror', (error) => errors.push(String(error)))
  await browser.route(`${system.url}/app/**`, async (route) => {
    const [, folder = '', ...path] = new URL(route.request().url()).pathname.split('/').slice(1)
    if (folder === '') return route.fulfill({ contentType: 'text/html', body: page })
    const body = await readFile(join(root, folders[folder as keyof typeof folders], ...path))
    return route.fulfill({ contentType: 'text/javascript', body })
  })
  await browser.goto(`${system.url}/app/`)
  await expect.poll(() => browser.title()).toBe('ready')

  const seen = await browser.evaluate(
    async ({ apiKey, texts }) => {
      const { createClient, ItemError, z, location } = globalThis as any
      const sluice = createClient({ baseUrl: location.origin, apiKey })
      const schema = z.object({ name: z.string(), age: z.int() })
      const settled = await sluice.gather(texts, { schema, returnExceptions: true })

      const completed: number[] = []
      for await (const { index } of sluice.asCompleted(texts, { schema, concurrency: 3 })) completed.push(index)

      const stop = new AbortController()
      let id = ''
      const reason = await sluice
        .gather(texts, {
          schema,
          concurrency: 1,
          signal: stop.signal,
          onProgress: (batch: any) => ((id = batch.id), stop.abort('enough')),
        })
        .catch((error: unknown) => error)
      const { status } = await sluice.batch(id).wait()

      const many = Array.from({ length: 6_000 }, (_, index) => `${texts[0]} ${index}`)
      const large = await sluice.submit(many, { schema })
      const total = (await large.status()).counts.total
      await large.cancel()
      const refused = await createClient({ baseUrl: location.origin, apiKey: 'wrong' })
        .lanes()
        .catch((error: any) => error.name)
      return {
        ages: settled.map((one: any) => (one instanceof ItemError ? one.type : one.age)),
        completed,
        reason,
        status,
        total,
        refused,
      }
    },
    { apiKey: key, texts: people(6) },
  )
  expect(seen).toEqual({
    ages: [20, 21, 'refused', 23, 24, 25],
    completed: expect.any(Array) as number[],
    reason: 'enough',
    status: 'cancelled',
    total: 6_000,
    refused: 'AuthenticationError',
  })
  expect(seen.completed.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
  expect(errors).toEqual([])
})
