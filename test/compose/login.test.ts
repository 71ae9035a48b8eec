import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { expect, onTestFailed, test } from 'vitest'
import { openBrowser, screenshot } from '../browser/open-browser.ts'
import { composeProject } from './compose-project.ts'
import { hasDocker } from './docker.ts'

const hasChromium = existsSync(process.env['CHROMIUM'] ?? '/usr/bin/chromium')
if (!hasChromium) console.error('SKIPPED, the login is not tested with containers: no Chromium here')

test.skipIf(!hasDocker || !hasChromium)(
  'in containers with keys: a browser logs in on each page, a wrong key is refused, and a session ends by logging out and with its key',
  async () => {
    const [first, second] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')]
    const { url, compose, setKeys } = await composeProject({ keys: [first, second] })
    await compose('up', '--build', '--detach', '--wait', 'redis', 'api')
    const page = await openBrowser()
    onTestFailed(() => screenshot(page, 'compose-login-failed'))
    const field = page.getByLabel('API key')
    const logIn = async (key: string) => {
      await field.fill(key)
      await page.getByRole('button', { name: 'Log in' }).click()
    }
    const isIn = async () => (await page.request.get(`${url}/v1/lanes`)).status()

    for (const path of ['/', '/queues', '/docs']) {
      await page.goto(`${url}${path}`)
      await field.waitFor()
      expect([path, await isIn()]).toEqual([path, 401])
    }
    // Still on /docs: each login leads back to the page that was asked for.
    await logIn(`${first}x`)
    await page.getByRole('alert').getByText('not').waitFor()
    expect(await isIn()).toBe(401)
    await logIn(first)
    await page.waitForURL(/\/docs/)
    await expect.poll(() => page.locator('[data-path="/v1/batches"]').count()).toBeGreaterThan(0)
    await page.goto(`${url}/queues`)
    await page.getByText('batches').first().waitFor()
    expect(await isIn()).toBe(200)

    await page.goto(url)
    await page.getByRole('button', { name: 'Log out' }).click()
    await field.waitFor()
    expect(await isIn()).toBe(401)

    await page.goto(`${url}/queues`)
    await logIn(second)
    await page.waitForURL(/\/queues/)
    expect(await isIn()).toBe(200)
    // A restart keeps the session, as long as its key is configured.
    await setKeys([second, first])
    expect(await isIn()).toBe(200)
    await setKeys([first])
    expect(await isIn()).toBe(401)
    await page.goto(`${url}/queues`)
    await field.waitFor()
  },
)
