import { expect, test } from 'vitest'
import { percentiles, workersWanted } from './lane-view.ts'

const lane = { items: 1_000, inFlight: 100, waitingForQuota: 0, workers: 1, concurrency: 100 }

test.each([
  ['as many as the work could keep busy', lane, 10],
  ['none without work', { ...lane, items: 0, inFlight: 0 }, 0],
  ['one when there is work and no worker shows how much one can do', { ...lane, workers: 0, concurrency: 0 }, 1],
  ['no more than the limit lets work', { ...lane, inFlight: 60, waitingForQuota: 40, workers: 4, concurrency: 400 }, 1],
])('workers wanted: %s', (_, given, wanted) => {
  expect(workersWanted(given)).toBe(wanted)
})

test('the percentiles of latency lie between the bounds that they are counted by', () => {
  const buckets = { '0.1': 0, '0.25': 0, '0.5': 50, '1': 90, '2.5': 99, '5': 99 }
  expect(percentiles({ buckets, sum: 0, count: 100 })).toEqual({ p50: 0.5, p90: 1, p99: 2.5 })
  expect(percentiles({ buckets: { '0.1': 10 }, sum: 0, count: 10 })).toEqual({ p50: 0.05, p90: 0.09, p99: 0.099 })
  // Longer than any bound.
  expect(percentiles({ buckets: {}, sum: 0, count: 1 })?.p99).toBe(600)
  expect(percentiles({ buckets: {}, sum: 0, count: 0 })).toBeNull()
})
