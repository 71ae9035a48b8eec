import { expect, test } from 'vitest'
import { createRateMeter } from './rate-meter.ts'

test('reports the median rate and the slow tenth', () => {
  const meter = createRateMeter()
  let done = 0
  let rates = meter.add(0, 0, true)
  for (let second = 1; second <= 20; second += 1) {
    done += second % 5 === 0 ? 2 : 10
    rates = meter.add(second * 1_000, done, true)
  }
  expect(rates).toEqual({ p50: 10, p10: 2 })
})

test('does not count a pause as slowness', () => {
  const meter = createRateMeter()
  meter.add(0, 0, true)
  meter.add(1_000, 10, true)
  meter.add(60_000, 10, false)
  expect(meter.add(61_000, 20, true)).toEqual({ p50: 10, p10: 10 })
})

test('reports a rate below one per second by its mean', () => {
  const meter = createRateMeter()
  let rates = meter.add(0, 0, true)
  for (let second = 1; second <= 40; second += 1) rates = meter.add(second * 1_000, Math.floor(second / 4), true)
  expect(rates.p50).toBeCloseTo(0.25)
})
