import { expect, onTestFailed, test } from 'vitest'
import { startSystem } from '../support/system.ts'
import { openBrowser, screenshot } from './open-browser.ts'

const key = 'a-key-of-forty-characters-for-this-test-1'

test('with keys configured a person logs in once, opens Bull Board and the API docs, and logs out', async () => {
  const system = await startSystem({ env: { SLUICE_API_KEYS: key } })
  const page = await openBrowser()
  onTestFailed(() => screenshot(page, 'login-failed'))
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))

  expect((await page.goto(`${system.url}/queues`))?.status()).toBe(401)
  await page.getByLabel('API key').fill('not-the-key-of-this-server')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').getByText('not').waitFor()
  // The 401 of the page itself.
  errors.length = 0

  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(/\/queues/)
  await page.getByText('batches').first().waitFor()
  expect(await page.evaluate(() => (globalThis as any).document.cookie)).toBe('')
  await screenshot(page, 'login-board')

  await page.goto(`${system.url}/docs`)
  await expect.poll(() => page.locator('[data-path="/v1/batches"]').count(), { timeout: 10_000 }).toBeGreaterThan(0)
  await page.goto(system.url)
  await page.getByRole('heading', { name: 'Batches' }).waitFor()
  expect(errors).toEqual([])

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('API key').waitFor()
  expect((await page.goto(`${system.url}/docs/`))?.status()).toBe(401)
})

test('a page of another site cannot use a session, nor cached credentials', async () => {
  const system = await startSystem({ env: { SLUICE_API_KEYS: key } })
  const page = await openBrowser()
  await page.goto(`${system.url}/login`)
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Log out' }).waitFor()
  // Another port is another origin; with a form, a browser asks nobody first.
  const attacker = `${system.simulatorUrl}/attack`
  await page.context().route(attacker, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" enctype="text/plain" action="${system.url}/v1/lanes/default/resume"><input name="a" value="b"></form><script>document.forms[0].submit()</script>`,
    }),
  )
  const answered = page.waitForResponse((response) => response.url().includes('/v1/lanes/'))
  await page.goto(attacker)
  expect((await answered).status()).toBe(401)
})
