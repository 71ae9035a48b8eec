import { expect, test } from 'vitest'
import { backOffMs, sleep } from './back-off.ts'

test('pauses double up to 5 s, and half of each is random', () => {
  const most = [0, 1, 2, 10].map((attempt) => backOffMs(attempt, () => 1))
  expect(most).toEqual([100, 200, 400, 5_000])
  expect(backOffMs(2, () => 0)).toBe(200)
})

test('a pause ends at once with the reason of its signal', async () => {
  await expect(sleep(10_000, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  const stop = new AbortController()
  const sleeping = sleep(10_000, stop.signal)
  stop.abort(new Error('enough'))
  await expect(sleeping).rejects.toThrow('enough')
  await sleep(1, new AbortController().signal)
})
