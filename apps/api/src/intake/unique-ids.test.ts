import { fc } from '../../../../test/support/property.ts'
import { expect, test } from 'vitest'
import { uniqueIds } from './unique-ids.ts'

test('finds every id that is there already, given or an index, and no other', () => {
  const ids = fc.array(
    fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 40 }).map(String), fc.string({ maxLength: 2 })),
    {
      maxLength: 60,
    },
  )
  fc.assert(
    fc.property(ids, (all) => {
      const unique = uniqueIds()
      const taken = new Map<string, number>()
      let index = 0
      for (const given of all) {
        const id = given ?? String(index)
        const found = unique(id, index)
        expect(found).toBe(taken.get(id))
        // A duplicate is refused or left out: the next item takes its index.
        if (found !== undefined) continue
        taken.set(id, index)
        index += 1
      }
    }),
    { numRuns: 500 },
  )
})

test('a million ids take less than 60 MB, also while room is made for more', () => {
  const before = process.memoryUsage().arrayBuffers
  const unique = uniqueIds()
  let taken = 0
  for (let i = 0; i < 1_000_000; i += 1) taken += unique(`row-${i}`, i) === undefined ? 0 : 1
  expect(taken).toBe(0)
  expect(unique('row-999999', 1_000_000)).toBe(999_999)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60e6)
}, 60_000)
