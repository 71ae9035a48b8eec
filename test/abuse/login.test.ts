import { beforeAll, describe, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { type Answer, basic, bearer, browser, key, secured, send } from './attack.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const cookieOf = (answer: Answer) => answer.headers['set-cookie']?.[0] ?? ''
const session = (answer: Answer) => cookieOf(answer).split(';')[0] ?? ''
const logIn = (system: System, given = key, next = '/queues', headers: Record<string, string> = {}) =>
  send(system, 'POST', '/login', {
    headers: { ...form, ...headers },
    body: String(new URLSearchParams({ key: given, next })),
  })

describe('with keys', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: { ...secured, SLUICE_TRUST_PROXY: 'loopback' }, keepFor: 'file' })
  })

  test('a program is challenged in one header line for each scheme, Basic first', async () => {
    const { status, rawHeaders } = await send(system, 'GET', '/queues')
    const lines = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 && name.toLowerCase() === 'www-authenticate' ? [rawHeaders[at + 1]] : [],
    )
    expect([status, lines]).toEqual([401, ['Basic realm="sluice"', 'Bearer realm="sluice"']])
  })

  test.each(['/', '/queues', '/docs/', '/v1/batches', '/nothing'])(
    'a browser that opens %s sees the login, not JSON',
    async (path) => {
      const answer = await send(system, 'GET', path, { headers: browser })
      expect(answer.status).toBe(401)
      expect(answer.headers['content-type']).toContain('text/html')
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="sluice"')
      expect(answer.text).toContain(`name="next" value="${path}"`)
    },
  )

  test('a key opens the pages by a cookie that scripts and other sites cannot use', async () => {
    const answer = await logIn(system)
    expect([answer.status, answer.headers.location]).toEqual([303, '/queues'])
    expect(cookieOf(answer)).toMatch(
      /^sluice_session=[\w.-]+; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    )
    expect(cookieOf(answer)).not.toContain(key)
    for (const path of ['/', '/queues', '/docs/', '/v1/batches', '/openapi.json'])
      expect([path, (await send(system, 'GET', path, { headers: { cookie: session(answer) } })).status]).toEqual([
        path,
        200,
      ])
  })

  test('the cookie is Secure when a trusted proxy says that the browser used TLS', async () => {
    const answer = await logIn(system, key, '/', { 'x-forwarded-proto': 'https' })
    expect(cookieOf(answer)).toMatch(/; Secure/)
    expect(answer.headers['strict-transport-security']).toMatch(/max-age=\d+/)
  })

  test('a session that is changed, made up, or ended opens nothing', async () => {
    const good = session(await logIn(system))
    const [name, value = ''] = good.split('=')
    const [end = '', random = '', signature = ''] = value.split('.')
    const forged = [
      `${Number(end) + 1}.${random}.${signature}`,
      `${end}.${random}x.${signature}`,
      `${end}.${random}.`,
      `${end}..${signature}`,
      '1.a.b',
      'x',
      '',
      'a'.repeat(4_000),
    ]
    for (const one of forged) {
      const answer = await send(system, 'GET', '/v1/batches', { headers: { cookie: `${name}=${one}` } })
      expect([one, answer.status]).toEqual([one, 401])
    }
    const out = await send(system, 'POST', '/logout', { headers: { cookie: good } })
    expect(cookieOf(out)).toMatch(/^sluice_session=; Max-Age=0/)
  })

  test('after the login a browser goes to a path of this server only', async () => {
    for (const next of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      'javascript:alert(1)',
      '/\t/evil.example',
      '/login',
    ])
      expect([next, (await logIn(system, key, next)).headers.location]).toEqual([next, '/'])
    expect((await logIn(system, key, '/queues?a=1')).headers.location).toBe('/queues?a=1')
  })

  test('what was asked for is text on the login page', async () => {
    const { text } = await send(system, 'GET', '/login?next=%2F%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E', {
      headers: browser,
    })
    expect(text).not.toContain('<script>')
    const wrong = await logIn(system, '"><script>alert(1)</script>')
    expect([wrong.status, wrong.text.includes('<script>'), wrong.headers['set-cookie']]).toEqual([
      401,
      false,
      undefined,
    ])
  })

  test('the form is the only body that the login takes, and a small one', async () => {
    const body = JSON.stringify({ key })
    expect(
      (await send(system, 'POST', '/login', { headers: { 'content-type': 'application/json' }, body })).status,
    ).toBe(415)
    expect((await send(system, 'POST', '/login', { headers: form, body: `key=${'x'.repeat(20_000)}` })).status).toBe(
      413,
    )
  })

  test('programs send their key as before', async () => {
    for (const headers of [basic, bearer])
      for (const path of ['/v1/batches', '/queues', '/docs/'])
        expect((await send(system, 'GET', path, { headers })).status).toBe(200)
  })

  test('errors are pages for browsers and JSON for programs', async () => {
    const cookie = session(await logIn(system))
    const page = await send(system, 'GET', '/nothing<b>', { headers: { ...browser, cookie } })
    expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
    expect(page.text).not.toContain('<b>')
    expect((await send(system, 'GET', '/nothing', { headers: bearer })).headers['content-type']).toContain(
      'application/json',
    )
  })
})

test('a session ends with its key, and is known to every API process that has the key', async () => {
  const other = 'another-key-of-forty-characters-for-this-1'
  const [one, two, without] = await Promise.all(
    [`${key},${other}`, `${other},${key}`, other].map((keys) => startSystem({ env: { SLUICE_API_KEYS: keys } })),
  )
  const cookie = session(await logIn(one!))
  expect((await send(two!, 'GET', '/v1/batches', { headers: { cookie } })).status).toBe(200)
  expect((await send(without!, 'GET', '/v1/batches', { headers: { cookie } })).status).toBe(401)
})

test('headers: our pages run no inline script or style, and answers with data are not stored', async () => {
  const system = await startSystem({ env: secured })
  const cookie = session(await logIn(system))
  const get = (path: string) => send(system, 'GET', path, { headers: { ...browser, cookie } })
  for (const path of ['/', '/login', '/nothing', '/v1/batches', '/v1/lanes', '/metrics', '/openapi.json']) {
    const { headers } = await get(path)
    const policy = String(headers['content-security-policy'])
    expect([path, policy]).toEqual([path, expect.not.stringMatching(/unsafe|\*/)])
    expect([path, policy]).toEqual([path, expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/)])
    expect([path, headers['cache-control']]).toEqual([path, 'no-store'])
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' })
  }
  const board = await get('/queues')
  expect(board.headers['content-security-policy']).not.toMatch(/script-src|unsafe-eval/)
  expect(board.text).not.toMatch(/https?:\/\/fonts/)
  for (const path of ['/', '/login']) {
    const { text } = await get(path)
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=/)
    // Scripts are files. The import map cannot be one: the policy allows it by its hash.
    expect(text.replace(/<script type="importmap">/, '')).not.toMatch(/<script(?![^>]* src=)/)
  }
})
