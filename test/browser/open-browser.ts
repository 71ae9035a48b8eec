import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

/** A page of a real browser, closed with the test. The test fails if the page requests anything from another host. */
export async function openBrowser(): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'],
  })
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  // Bull Board's page links to another host. The content security policy must block that.
  const foreign: string[] = []
  await page.route(
    ({ hostname }) => hostname !== '127.0.0.1',
    (route) => {
      foreign.push(route.request().url())
      return route.abort()
    },
  )
  onTestFinished(() => expect(foreign).toEqual([]))
  return page
}

export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS'] ?? (await mkdtemp(join(tmpdir(), 'sluice-screenshots-')))
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path })
  console.error(`screenshot: ${path}`)
}
