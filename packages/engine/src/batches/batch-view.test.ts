import { fc } from '../../../../test/support/property.ts'
import { batch, batchOptions, type BatchStatus } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { type BatchFields, type BatchMeta, newBatchMeta, packBatchMeta, parseBatchMeta } from '../ledger/batch-meta.ts'
import { toBatch } from './batch-view.ts'

const extractor = {
  object: 'extractor',
  name: 'person',
  version: 3,
  schema: {},
  instructions: '',
  lane: 'default',
  parameters: {},
  reasks: 2,
  created_at: 0,
} as const
const pulse = { model: 'm', workers: 1, concurrency: 10, inFlight: 2, waitingForQuota: 0, limits: [], models: [] }
const meta = stored({ created_at: 1_700_000_000_123 })

/** A batch with these fields, after a round through Redis' form. */
function stored(fields: BatchFields): BatchMeta & { readonly status: BatchStatus } {
  const packed = packBatchMeta({ ...newBatchMeta(extractor, batchOptions.parse({})), ...fields })
  return parseBatchMeta(packed) as BatchMeta & { readonly status: BatchStatus }
}

test('a batch is shown as the contract says', () => {
  const now = stored({
    created_at: 1_700_000_000_123,
    status: 'in_progress',
    total: 10,
    succeeded: 3,
    rate_p50: 2,
    rate_p10: 1,
    cost_nano_usd: 1_500_000,
  })
  const view = toBatch('batch_x', { meta: now, open: 4, running: 2, bytes: 4_096, priced: true, pulse, nowMs: 0 })
  expect(batch.parse(view)).toEqual(view)
  expect(view).toMatchObject({
    extractor: 'person@3',
    counts: { total: 10, waiting: 5, running: 2, succeeded: 3, failed: 0, cancelled: 0 },
    eta_s: { p50: 3.5, p90: 7 },
    rate: { items_per_s: 2, slow_items_per_s: 1 },
    binding: null,
    cost_usd: 0.0015,
    stored_bytes: 4_096,
    created_at: 1_700_000_000.123,
    started_at: null,
  })
})

test('the estimate is not lower than the wait for the items of a worker that was killed', () => {
  const killedAt = 1_000_000
  const now = stored({ status: 'in_progress', total: 100, succeeded: 90, rate_p50: 50, rate_p10: 20 })
  const at = (nowMs: number, fields: BatchFields = {}) => {
    const meta = { ...now, progress_at: killedAt, progress_done: 90, ...fields } as typeof now
    return toBatch('b', { meta, open: 10, running: 10, bytes: null, priced: false, pulse, nowMs }).eta_s
  }
  expect(at(killedAt + 500)).toEqual({ p50: 0.2, p90: 0.5 })
  // Others take over from a killed worker within 5 s.
  expect(at(killedAt + 2_000)).toEqual({ p50: 3, p90: 23 })
  // It is frozen: its locks last 15 s, and a scan finds them within 10 s.
  expect(at(killedAt + 6_000)).toEqual({ p50: 14, p90: 19 })
  expect(at(killedAt + 24_000)).toEqual({ p50: 0.2, p90: 1 })
  expect(at(killedAt + 2_000, { succeeded: 91 })).toEqual({ p50: 0.2, p90: 0.5 })
  // One item in 4 s: a quiet second means nothing.
  expect(at(killedAt + 10_000, { rate_p50: 0.25, rate_p10: 0.2 })).toEqual({ p50: 40, p90: 50 })
})

test('the estimate begins after the hold of the lane', () => {
  const nowMs = 1_000_000_000
  const meta = stored({ status: 'in_progress', total: 100, succeeded: 90, rate_p50: 5, rate_p10: 2 })
  const model = { model: 'm', held_until: nowMs / 1_000 + 300, waits_for: 'The provider asked to wait.' }
  const held = { ...pulse, models: [model] } as unknown as typeof pulse
  const state = { meta, open: 0, running: 0, bytes: null, priced: false, nowMs }
  expect(toBatch('b', { ...state, pulse: held }).eta_s).toEqual({ p50: 302, p90: 305 })
  expect(toBatch('b', { ...state, pulse }).eta_s).toEqual({ p50: 2, p90: 5 })
})

test('the counts always add up to the total', () => {
  const status = fc.constantFrom<BatchStatus>('in_progress', 'paused', 'cancelling', 'completed', 'cancelled')
  fc.assert(
    fc.property(status, fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50), (state, succeeded, failed, open, rest) => {
      const total = succeeded + failed + open + rest
      const running = Math.min(open, 3)
      const now = { ...meta, status: state, total, succeeded, failed }
      const { counts } = toBatch('b', { meta: now, open, running, bytes: null, priced: false, pulse, nowMs: 0 })
      const { total: shown, ...parts } = counts
      expect(Object.values(parts).reduce((sum, one) => sum + one, 0)).toBe(shown)
      expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0)
    }),
  )
})
