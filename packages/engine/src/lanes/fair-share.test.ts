import { fc } from '../../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { type Candidate, divide } from './fair-share.ts'

const batch = (batchId: string, weight: number, open = 0): Candidate => ({ batchId, weight, open })

describe('the free places of a window', () => {
  test('are divided by weight', () => {
    expect(divide(90, [batch('a', 10), batch('b', 20)])).toEqual(
      new Map([
        ['a', 30],
        ['b', 60],
      ]),
    )
  })

  test('go to the batch that holds less, until both hold the same', () => {
    expect(divide(10, [batch('large', 10, 100), batch('new', 10, 0)])).toEqual(new Map([['new', 10]]))
    expect(divide(120, [batch('large', 10, 100), batch('new', 10, 0)])).toEqual(
      new Map([
        ['large', 10],
        ['new', 110],
      ]),
    )
  })

  test('go to the first of the list, where there are fewer places than batches', () => {
    const places = divide(2, [batch('a', 1), batch('b', 1), batch('c', 1)])
    expect([...places.keys()]).toEqual(['a', 'b'])
  })

  test('are all given, to nobody above the common level by more than one place', () => {
    const candidates = fc.uniqueArray(
      fc.record({
        batchId: fc.string({ minLength: 1 }),
        weight: fc.integer({ min: 1, max: 100 }),
        open: fc.integer({ min: 0, max: 500 }),
      }),
      { selector: (one) => one.batchId, minLength: 1, maxLength: 30 },
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), candidates, (free, all) => {
        const places = divide(free, all)
        expect([...places.values()].reduce((sum, one) => sum + one, 0)).toBe(free)
        const load = (one: Candidate, more: number) => (one.open + (places.get(one.batchId) ?? 0) + more) / one.weight
        const lowest = Math.min(...all.map((one) => load(one, 1)))
        for (const one of all) if (places.has(one.batchId)) expect(load(one, -1)).toBeLessThanOrEqual(lowest + 1e-6)
      }),
    )
  })
})
