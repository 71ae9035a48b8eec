import fc from 'fast-check'
import { batch, batchOptions } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { newMeta, toBatch } from './batch-view.ts'

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
const meta = { ...newMeta(extractor, batchOptions.parse({})), created_at: '1700000000123' }

test('a batch is shown as the contract says', () => {
  const now = {
    ...meta,
    status: 'in_progress',
    total: '10',
    succeeded: '3',
    rate_p50: '2',
    rate_p10: '1',
    cost_nano_usd: '1500000',
  }
  const view = toBatch('batch_x', { meta: now, open: 4, running: 2, bytes: 4_096, priced: true })
  expect(batch.parse(view)).toEqual(view)
  expect(view).toMatchObject({
    extractor: 'person@3',
    counts: { total: 10, waiting: 5, running: 2, succeeded: 3, failed: 0, cancelled: 0 },
    eta_s: { p50: 3.5, p90: 7 },
    cost_usd: 0.0015,
    stored_bytes: 4_096,
    created_at: 1_700_000_000.123,
    started_at: null,
  })
})

test('the counts always add up to the total', () => {
  const status = fc.constantFrom('in_progress', 'paused', 'cancelling', 'completed', 'cancelled')
  fc.assert(
    fc.property(status, fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50), (state, succeeded, failed, open, rest) => {
      const total = succeeded + failed + open + rest
      const running = Math.min(open, 3)
      const now = { ...meta, status: state, total: `${total}`, succeeded: `${succeeded}`, failed: `${failed}` }
      const { counts } = toBatch('b', { meta: now, open, running, bytes: null, priced: false })
      const { total: shown, ...parts } = counts
      expect(Object.values(parts).reduce((sum, one) => sum + one, 0)).toBe(shown)
      expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0)
    }),
  )
})
