import { expect, test } from 'vitest'
import { createFaults } from './faults.ts'
import { createRandom } from './random.ts'

test('a script comes before rates, for texts that match, as often as it says', () => {
  const faults = createFaults(() => 0, { rates: { hang: 1 } })
  faults.set({ script: [{ match: 'Ada', fault: '500', times: 2, retry_after_s: 3 }] })
  expect(faults.next('Bob')?.name).toBe('hang')
  expect(faults.next('Ada')).toEqual({ name: '500', retryAfterS: 3 })
  expect(faults.next('Ada')?.name).toBe('500')
  expect(faults.next('Ada')?.name).toBe('hang')
})

test('rates are shares of the calls', () => {
  const faults = createFaults(createRandom(7), { rates: { cut: 0.1, refusal: 0.2 } })
  const names = Array.from({ length: 10_000 }, () => faults.next('')?.name)
  expect(names.filter((name) => name === 'cut').length / 10_000).toBeCloseTo(0.1, 1)
  expect(names.filter((name) => name === 'refusal').length / 10_000).toBeCloseTo(0.2, 1)
  expect(names.filter((name) => name === undefined).length / 10_000).toBeCloseTo(0.7, 1)
})

test('an empty plan ends all faults', () => {
  const faults = createFaults(() => 0, { rates: { cut: 1 } })
  faults.set({ rates: {} })
  expect(faults.next('')).toBeNull()
})
