import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createArrivals } from './arrivals.ts'

const res = {} as ServerResponse
const from = (client: string, name = client) =>
  ({
    headers: { authorization: client },
    socket: { remoteAddress: '127.0.0.1' },
    url: name,
  }) as unknown as IncomingMessage

function work(ms: number): void {
  for (const began = performance.now(); performance.now() - began < ms;);
}

test('a few requests begin at once', () => {
  const began: unknown[] = []
  const arrive = createArrivals(({ url }) => void began.push(url))
  for (let at = 0; at < 5; at += 1) arrive(from('a', `${at}`), res)
  expect(began).toEqual(['0', '1', '2', '3', '4'])
})

test('of hundreds of requests that arrive together a few begin in each round, and another client waits for one slice, not for all', async () => {
  const began: { client: unknown; round: number }[] = []
  let round = 0
  const arrive = createArrivals(({ url }) => {
    began.push({ client: url, round })
    work(1)
  })
  for (let at = 0; at < 200; at += 1) arrive(from('flood'), res)
  expect(began.length).toBeLessThan(50)
  arrive(from('other'), res)
  while (began.length < 201) {
    round += 1
    await setImmediate()
  }
  const other = began.findIndex(({ client }) => client === 'other')
  expect(began[other]?.round).toBeLessThanOrEqual(2)
  expect(round).toBeGreaterThan(10)
  expect(began.filter(({ client }) => client === 'flood')).toHaveLength(200)
})
