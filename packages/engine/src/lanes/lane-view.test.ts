import { expect, test } from 'vitest'
import { workersWanted } from './lane-view.ts'

const lane = { items: 1_000, inFlight: 100, waitingForQuota: 0, workers: 1, concurrency: 100 }

test.each([
  ['as many as the work could keep busy', lane, 10],
  ['none without work', { ...lane, items: 0, inFlight: 0 }, 0],
  ['one when there is work and no worker shows how much one can do', { ...lane, workers: 0, concurrency: 0 }, 1],
  ['no more than the limit lets work', { ...lane, inFlight: 60, waitingForQuota: 40, workers: 4, concurrency: 400 }, 1],
])('workers wanted: %s', (_, given, wanted) => {
  expect(workersWanted(given)).toBe(wanted)
})
