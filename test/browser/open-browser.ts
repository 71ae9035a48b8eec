import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, expect, onTestFinished } from 'vitest'

let shared: Promise<Browser> | undefined
afterAll(async () => {
  const browser = await shared
  shared = undefined
  await browser?.close()
})

/** A page of a real browser, closed with the test. The test fails if the page requests anything from another host. */
export async function openBrowser(): Promise<Page> {
  const browser = await launch()
  onTestFinished(() => browser.close())
  return guardedPage(await browser.newContext({ viewport }))
}

/** The same, in a browser that all tests of a file share: it starts once. Cookies and storage are the test's own. */
export async function newPage(): Promise<Page> {
  shared ??= launch()
  const context = await (await shared).newContext({ viewport })
  onTestFinished(() => context.close())
  return guardedPage(context)
}

const viewport = { width: 1280, height: 900 }

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'],
  })
}

async function guardedPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
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
