import type { LaneLimit, LaneModel } from '@sluice/contract/lane-view'
import { describe, expect, test } from 'vitest'
import type { LanePulse } from '../lanes/lane-pulse.ts'
import { overCost } from '../ledger/pause-reason.ts'
import { bindingOf, limitPerSecond } from './binding.ts'

const limit = (more: Partial<LaneLimit>): LaneLimit => ({
  name: 'requests',
  unit: 'requests',
  source: 'header',
  limit: 600,
  period_s: 60,
  remaining: 0,
  used: 600,
  resets_at: null,
  ...more,
})
const model = (more: Partial<LaneModel> = {}): LaneModel => ({
  model: 'm',
  requests_in_flight: 0,
  tokens_in_flight: 0,
  cost_factor: null,
  held_until: null,
  waits_for: null,
  binding_limit: null,
  limits: [],
  ...more,
})
const lane = (more: Partial<LanePulse> = {}): LanePulse => ({
  model: 'm',
  workers: 1,
  concurrency: 10,
  inFlight: 3,
  waitingForQuota: 0,
  limits: [],
  models: [],
  ...more,
})
const batch = { status: 'in_progress', pause_reason: '', lane: 'default', extractor: null, concurrency: null } as const
const tokens = limit({ name: 'tokens', unit: 'tokens' })

describe('what binds a batch', () => {
  test.each([
    ['nothing', batch, lane(), null],
    ['its cap on the cost', { ...batch, status: 'paused', pause_reason: overCost }, lane(), 'cost_cap'],
    ['nothing while a user has paused it', { ...batch, status: 'paused', pause_reason: 'user' }, lane(), null],
    ['no worker', batch, lane({ workers: 0 }), 'workers'],
    ['a lane that is gone', batch, null, 'workers'],
    ['a hold', batch, lane({ models: [model({ held_until: 2 })] }), 'hold'],
    ['no hold of another model', batch, lane({ models: [model({ model: 'other', held_until: 2 })] }), null],
    ['no hold that is over', batch, lane({ models: [model({ held_until: 0.5 })] }), null],
    ['its own concurrency', { ...batch, concurrency: 3 }, lane(), 'batch_concurrency'],
    ['the calls of the workers', batch, lane({ inFlight: 10 }), 'concurrency'],
    [
      'a limit that the provider reports',
      batch,
      lane({ waitingForQuota: 4, models: [model({ binding_limit: 'tokens', limits: [limit({}), tokens] })] }),
      'tokens',
    ],
    [
      'the configured limit with the least room',
      batch,
      lane({ waitingForQuota: 4, limits: [limit({ remaining: 300, used: 300 }), tokens] }),
      'tokens',
    ],
    ['a lane that has just begun', batch, lane({ waitingForQuota: 4 }), 'concurrency'],
  ] as const)('is %s', (_, of, pulse, by) => {
    const binding = bindingOf(of, { running: 3, pulse, nowMs: 1_000 })
    expect(binding?.by ?? null).toBe(by)
    if (by !== null) expect(binding?.reason).toMatch(/\.$/)
  })
})

describe('the items per second that a lane allows', () => {
  const used = { model: undefined, items: 10, calls: 20, tokens: 10_000 }

  test('are those of the tightest limit, at what an item takes', () => {
    const pulse = lane({
      limits: [limit({ limit: 1_200 })],
      models: [model({ cost_factor: 2, limits: [limit({ unit: 'tokens', limit: 120_000 })] })],
    })
    // 20 requests a second at 2 calls an item; 2,000 tokens a second at 1,000 tokens an item, charged twice.
    expect(limitPerSecond(pulse, used)).toBe(1)
    expect(limitPerSecond({ ...pulse, models: [] }, used)).toBe(10)
  })

  test('are not known without a limit, or before the first call', () => {
    expect(limitPerSecond(lane(), used)).toBeNull()
    expect(limitPerSecond(lane({ limits: [limit({})] }), { ...used, calls: 0 })).toBeNull()
  })
})
