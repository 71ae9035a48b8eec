import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { share, type Claim } from './window.ts'

const claim = (batchId: string, weight: number, demand: number): Claim => ({ batchId, weight, demand })

describe('the window', () => {
  test('is shared by weight', () => {
    expect(share(90, [claim('a', 10, 1e6), claim('b', 20, 1e6)])).toEqual(
      new Map([
        ['a', 30],
        ['b', 60],
      ]),
    )
  })

  test('gives to others what a small batch cannot use', () => {
    expect(share(100, [claim('large', 10, 1e6), claim('small', 10, 10)])).toEqual(
      new Map([
        ['small', 10],
        ['large', 90],
      ]),
    )
  })

  test('gives each batch at least one and, if that fits, no more than its size in all', () => {
    const claims = fc.uniqueArray(
      fc.record({
        batchId: fc.string({ minLength: 1 }),
        weight: fc.integer({ min: 1, max: 100 }),
        demand: fc.integer({ min: 1, max: 1_000 }),
      }),
      {
        selector: (one) => one.batchId,
        minLength: 1,
        maxLength: 20,
      },
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), claims, (capacity, all) => {
        const shares = share(capacity, all)
        for (const one of all) {
          expect(shares.get(one.batchId)).toBeGreaterThanOrEqual(1)
          expect(shares.get(one.batchId)).toBeLessThanOrEqual(one.demand)
        }
        const given = [...shares.values()].reduce((sum, part) => sum + part, 0)
        // At least one each may be more than a window that is smaller than the number of batches.
        expect(given).toBeLessThanOrEqual(capacity + all.length)
        const wanted = all.reduce((sum, one) => sum + one.demand, 0)
        // The whole window is used, except for what rounding down leaves.
        expect(given).toBeGreaterThanOrEqual(Math.min(capacity, wanted) - all.length)
      }),
    )
  })
})
