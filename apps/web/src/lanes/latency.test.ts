import { expect, test } from 'vitest'
import { latencyBelow } from './latency.ts'

const seconds = { buckets: { '0.5': 50, '1': 90, '2': 100, '+Inf': 100 }, sum: 70, count: 100 }

test('latencies are read from cumulative counts, between the bounds', () => {
  expect([0.25, 0.5, 0.7, 0.9, 1].map((share) => latencyBelow(seconds, share))).toEqual([0.25, 0.5, 0.75, 1, 2])
  expect(latencyBelow({ buckets: {}, sum: 0, count: 0 }, 0.5)).toBeNull()
  expect(latencyBelow({ buckets: { '1': 1, '+Inf': 4 }, sum: 99, count: 4 }, 0.9)).toBe(1)
})
