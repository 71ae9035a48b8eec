import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toldPeriodMs } from './told-period.ts'

const limit = fc.integer({ min: 2, max: 100_000 })
const part = fc.double({ min: 0, max: 1, noNaN: true })
const roundedTo = fc.constantFrom(1, 1_000)
const hourMs = 3_600_000

test('a limit of a minute is never taken for another, whether it comes back little by little or at once', () => {
  fc.assert(
    fc.property(limit, part, part, roundedTo, fc.boolean(), (most, usedPart, left, unitMs, atOnce) => {
      const used = Math.ceil(usedPart * most)
      const resetMs = Math.ceil((60_000 * (atOnce ? left : used / most)) / unitMs) * unitMs
      expect([null, 60_000]).toContain(toldPeriodMs(most, most - used, resetMs))
    }),
  )
})

test('one that is overdrawn by another minute is not, either', () => {
  fc.assert(
    fc.property(limit, fc.double({ min: 60_000, max: 180_000, noNaN: true }), (most, resetMs) => {
      expect([null, 60_000]).toContain(toldPeriodMs(most, 0, resetMs))
    }),
  )
})

test('the period of an hour or a day is told as soon as more than a minute of it is used', () => {
  fc.assert(
    fc.property(limit, part, fc.constantFrom(hourMs, 24 * hourMs), roundedTo, (most, usedPart, periodMs, unitMs) => {
      const used = Math.max(1, Math.ceil(usedPart * most))
      const resetMs = Math.ceil((used * periodMs) / most / unitMs) * unitMs
      const told = toldPeriodMs(most, most - used, resetMs)
      if (resetMs <= 65_000) {
        expect([null, 60_000]).toContain(told)
      } else {
        expect(told).toBeGreaterThanOrEqual(periodMs * 0.999)
        expect(told).toBeLessThanOrEqual(periodMs * 1.02)
      }
    }),
  )
})
