import { expect, test } from 'vitest'
import { itemsPerSecond } from './samples.ts'

test('the speed between two samples is what was finished between them, and never negative after a retry', () => {
  const samples = [
    { at: 0, succeeded: 0, failed: 0 },
    { at: 10, succeeded: 40, failed: 10 },
    { at: 10, succeeded: 40, failed: 10 },
    { at: 20, succeeded: 45, failed: 0 },
  ]
  expect(itemsPerSecond(samples)).toEqual([null, 5, null, 0])
})
