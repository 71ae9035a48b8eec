import { expect, test } from 'vitest'
import type { LaneView } from '@sluice/contract/lane-view'
import { scaleEstimate } from './estimate.ts'

const sample = { object: 'estimate', items: 10, input_tokens: 1_000, output_tokens: 500, cost_usd: 0.01 } as const
const lane = {
  concurrency: 20,
  call_seconds: { buckets: {}, sum: 20, count: 10 },
  limits: [],
  models: [{ limits: [{ name: 'requests', unit: 'requests', limit: 600, period_s: 60 }] }],
} as unknown as LaneView

test('an estimate of the first items is scaled to the batch, and what binds its time is named', () => {
  expect(scaleEstimate(sample, 100, lane)).toEqual({
    items: 100,
    inputTokens: 10_000,
    outputTokens: 5_000,
    costUsd: 0.1,
    seconds: 10,
    binds: '20 calls at once',
  })
  expect(scaleEstimate(sample, 12_000, lane)).toMatchObject({ seconds: 1_200, binds: '20 calls at once' })
  expect(scaleEstimate(sample, 12_000, { ...lane, concurrency: 100 })).toMatchObject({
    seconds: 1_140,
    binds: 'requests',
  })
})

test('without prices there is no cost, and without a lane no time', () => {
  expect(scaleEstimate({ ...sample, cost_usd: null }, 100, undefined)).toMatchObject({ costUsd: null, seconds: null })
})
