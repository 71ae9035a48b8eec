import { expect, test } from 'vitest'
import { createBucket, formatGoDuration } from './buckets.ts'

test('a bucket starts full, empties by what is taken, and refills all the time', () => {
  const bucket = createBucket(600, 6, 0)
  expect(bucket.capacity).toBe(60)
  bucket.take(60, 0)
  expect(bucket.remaining(0)).toBe(0)
  expect(bucket.waitFor(1, 0)).toBe(100)
  expect(bucket.remaining(1_000)).toBe(10)
  expect(bucket.resetMs(1_000)).toBe(5_000)
  expect(bucket.remaining(60_000)).toBe(60)
})

test('a bucket never holds less than one call', () => {
  const bucket = createBucket(30, 1, 0)
  expect(bucket.capacity).toBe(1)
  expect(bucket.waitFor(1, 0)).toBe(0)
  bucket.take(1, 0)
  expect(bucket.waitFor(1, 0)).toBe(2_000)
})

test('more than it can hold is never there', () => {
  expect(createBucket(60, 1, 0).waitFor(2, 0)).toBe(Number.POSITIVE_INFINITY)
})

test.each([
  [0, '0s'],
  [0.2, '1ms'],
  [12, '12ms'],
  [1_500, '1.5s'],
  [360_000, '6m0s'],
  [61_500, '1m1.5s'],
  [3_660_000, '1h1m0s'],
])('%d ms is written as %s', (ms, text) => {
  expect(formatGoDuration(ms)).toBe(text)
})
