import { fc } from '../../../../test/support/property.ts'
import { expect, test } from 'vitest'
import { groupSummaries } from './group-summaries.ts'

test('neighbours are grouped up to the limit', () => {
  expect(groupSummaries([300, 300, 300, 300, 300], 1_000)).toEqual([3, 5])
  expect(groupSummaries([300, 300, 300], 1_000)).toEqual([3])
})

test('a single summary at the end takes a neighbour, or joins the group before if that has only two', () => {
  expect(groupSummaries([300, 300, 300, 300], 1_000)).toEqual([2, 4])
  expect(groupSummaries([500, 500, 500], 1_000)).toEqual([3])
  expect(groupSummaries([500, 500, 500, 500, 500], 1_000)).toEqual([2, 5])
})

test('each level has at most half the calls of the one before, whatever the sizes, and loses none', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_000), { minLength: 2, maxLength: 50 }), (tokens) => {
      const ends = groupSummaries(tokens, 1_000)
      expect(ends.length).toBeLessThanOrEqual(tokens.length / 2)
      expect(ends.at(-1)).toBe(tokens.length)
      expect(ends.every((end, i) => end - (ends[i - 1] ?? 0) >= 2)).toBe(true)
    }),
  )
})
