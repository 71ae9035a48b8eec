import { expect, test } from 'vitest'
import { startSystem } from '../support/system.ts'
import { bearer, calm, expectResponsive, key, secured, send, watched, whileProbing } from './attack.ts'

test('an address that tries keys has to wait, longer each time, and is seen in the log and the metrics; others are served', async () => {
  const system = await startSystem({ env: { ...secured, ...watched, SLUICE_TRUST_PROXY: 'loopback' } })
  const from = (address: string, value: string) =>
    send(system, 'GET', '/v1/batches', { headers: { authorization: value, 'x-forwarded-for': address } })
  const before = await calm(system)
  const statuses: number[] = []
  let waitS = 0
  const probe = await whileProbing(system, async () => {
    for (let round = 0; round < 40; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, at) => from('203.0.113.7', `Bearer wrong-${round}-${at}`)),
      )
      statuses.push(...answers.map(({ status }) => status))
      waitS = Math.max(waitS, ...answers.map(({ headers }) => Number(headers['retry-after'] ?? 0)))
    }
  })
  const told = statuses.filter((status) => status === 401).length
  expect(statuses.filter((status) => status === 429)).toHaveLength(2_000 - told)
  // 30 at first, then one each time that its wait has ended.
  expect(told).toBeLessThan(60)
  expect(waitS).toBeGreaterThanOrEqual(1)
  expectResponsive(before, probe)

  // The right key is let in from the same address, and wrong ones of another address are told as such.
  expect((await from('203.0.113.7', `Bearer ${key}`)).status).toBe(200)
  expect((await from('203.0.113.8', 'Bearer wrong')).status).toBe(401)

  const metrics = (await send(system, 'GET', '/metrics', { headers: bearer })).text
  const count = (answer: string) =>
    Number(new RegExp(`sluice_api_wrong_keys_total\\{answer="${answer}"\\} (\\d+)`).exec(metrics)?.[1])
  expect([count('invalid'), count('wait')]).toEqual([told + 1, 2_000 - told])
  const lines = system.api
    .output()
    .split('\n')
    .filter((line) => line.includes('too many wrong API keys'))
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.length).toBeLessThan(60)
  expect(lines[0]).toContain('203.0.113.7')
  expect(system.api.output()).not.toMatch(/Bearer|wrong-\d+-\d+/)
})

test('a forged X-Forwarded-For of a client does not hide its address', async () => {
  const system = await startSystem({ env: secured })
  let refused = 0
  for (let at = 0; at < 60; at += 1) {
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': `198.51.100.${at}` }
    refused += (await send(system, 'GET', '/v1/batches', { headers })).status === 429 ? 1 : 0
  }
  expect(refused).toBeGreaterThan(20)
})

test('where weak keys are allowed, trying them has to wait even when one fits', async () => {
  const system = await startSystem({ env: { SLUICE_API_KEYS: 'changeme', SLUICE_ALLOW_WEAK_KEYS: 'true' } })
  const ask = (value: string) => send(system, 'GET', '/v1/batches', { headers: { authorization: `Bearer ${value}` } })
  expect((await ask('changeme')).status).toBe(200)
  for (let at = 0; at < 30; at += 1) await ask('guess')
  expect((await ask('changeme')).status).toBe(429)
  await expect.poll(async () => (await ask('changeme')).status, { timeout: 10_000, interval: 200 }).toBe(200)
  expect(system.api.output()).toContain('can be guessed')
})

test('keys that can be guessed end the process at its start, and are not printed', async () => {
  for (const keys of ['a', '1', 'changeme', `${key},short`]) {
    const failed = await startSystem({ env: { SLUICE_API_KEYS: keys } }).then(
      () => 'started',
      (error: unknown) => String(error),
    )
    expect(failed).toMatch(/SLUICE_API_KEYS: key \d of \d is shorter than 16 characters/)
    expect(failed).not.toMatch(/changeme|forty/)
  }
})
