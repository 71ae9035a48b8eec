import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { newPage, screenshot } from './open-browser.ts'

/**
 * The page in a real browser. A test fails for every error that the browser reports: exceptions, and what the content security policy
 * stopped. Answers that a test expects to be refused are named in `refused`, because browsers report them as errors, too;
 * `blocked`: the test keeps requests from the server, or ends it.
 */
export async function openPage({
  refused = [],
  blocked = false,
}: { readonly refused?: readonly number[]; readonly blocked?: boolean } = {}): Promise<Page> {
  const page = await newPage()
  // Hooks run last first: before the page is closed.
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') await screenshot(page, 'page-failed')
  })
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() !== 'error' || (blocked && message.text().includes('net::ERR_'))) return
    const status = /status of (\d+)/.exec(message.text())?.[1]
    if (status === undefined || !refused.includes(Number(status))) errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  onTestFinished(() => expect(errors).toEqual([]))
  return page
}

/** No violation in axe-core, of any rule for WCAG 2.2 A and AA and its best practices. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // Evaluated by the debugger, which the policy of the page does not bind.
  await page.evaluate(axe.source)
  const violations = await page.evaluate(async () => {
    const { axe: runner } = globalThis as any
    const { violations: found } = await runner.run((globalThis as any).document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return found.map((one: any) => ({
      id: one.id,
      nodes: one.nodes.slice(0, 3).map((node: any) => `${node.html.slice(0, 160)} ${node.failureSummary}`),
    }))
  })
  expect({ where, violations }).toEqual({ where, violations: [] })
}
