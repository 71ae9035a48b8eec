import { beforeAll, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { expectAccessible, openPage } from './open-page.ts'

const key = 'a-key-of-forty-characters-for-this-test-1'
const authorization = { authorization: `Bearer ${key}` }
let system: System
beforeAll(async () => {
  system = await startSystem({ env: { SLUICE_API_KEYS: key }, keepFor: 'file' })
  await system.worker()
})

test('with keys a person logs in, lands where they wanted to go, works, and logs out', async () => {
  const page = await openPage({ refused: [401] })
  const extractor = { schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } }
  const { body } = await system.request(
    'POST',
    '/v1/batches',
    { extractor, items: ['Ann', 'Ben'], name: 'wanted' },
    authorization,
  )
  const wanted = `${system.url}/batches/${body.id}/items?status=succeeded`
  expect((await page.goto(wanted))?.status()).toBe(401)
  await expectAccessible(page, 'login')
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: /wanted/ }).waitFor()
  expect(page.url()).toBe(wanted)
  await page.getByText('Live').waitFor()

  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The batch is deleted.').waitFor()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('API key').waitFor()
  expect((await page.goto(`${system.url}/lanes`))?.status()).toBe(401)
})

test('a session that ends is renewed over the page, and what was typed is still there', async () => {
  const page = await openPage({ refused: [401] })
  await page.goto(`${system.url}/new`)
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByLabel('Or paste texts').fill('Ann is 20 years old.')
  await page.context().clearCookies()
  await page.getByLabel('Name of field 1').fill('name')
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
  await dialog.getByLabel('API key').fill('not-the-key-of-this-server')
  await dialog.getByRole('button', { name: 'Log in' }).click()
  await dialog.getByRole('alert').getByText('not known').waitFor()
  await expectAccessible(page, 'session dialog')
  await dialog.getByLabel('API key').fill(key)
  await dialog.getByRole('button', { name: 'Log in' }).click()
  await dialog.waitFor({ state: 'hidden' })
  expect(await page.getByLabel('Or paste texts').inputValue()).toBe('Ann is 20 years old.')
  await page.getByRole('button', { name: 'Start 1 item' }).click()
  await page.waitForURL(/\/batches\//)
})

test('a page that is open when its session ends asks for the key, and does not load for ever', async () => {
  const page = await openPage({ refused: [401] })
  await page.goto(system.url)
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Batches' }).waitFor()
  await page.context().clearCookies()
  // The dialog may be there already: the list loads again when the stream opens.
  await page.getByRole('link', { name: 'Lanes' }).dispatchEvent('click')
  await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
  await page.keyboard.press('Escape')
  await page.waitForURL(/\/login/)
  expect(new URL(page.url()).search).toBe('?next=%2Flanes')
})

test('nothing of the page is served without the key, and its files to nobody who has none', async () => {
  const document = await fetch(system.url, { headers: authorization })
  const text = await document.text()
  const module = /src="(\/web\/[^"]+main\.ts)"/.exec(text)?.[1]
  const ofFile = await fetch(`${system.url}${module}`, { headers: authorization })
  expect([document.status, ofFile.status, ofFile.headers.get('content-type')]).toEqual([
    200,
    200,
    'text/javascript; charset=utf-8',
  ])
  expect(ofFile.headers.get('cache-control')).toContain('immutable')
  expect(document.headers.get('cache-control')).toBe('no-store')
  const policy = document.headers.get('content-security-policy')
  expect(policy).not.toContain('unsafe-')
  expect(policy).toContain("require-trusted-types-for 'script'")
  for (const path of ['/', '/new', module!]) expect((await fetch(`${system.url}${path}`)).status).toBe(401)
  for (const path of [
    '/web/x',
    '/web/../package.json',
    `${module}/../../serve/page-files.ts`,
    '/web/%2e%2e/package.json',
  ])
    expect((await fetch(`${system.url}${path}`, { headers: authorization })).status).toBe(404)
})
