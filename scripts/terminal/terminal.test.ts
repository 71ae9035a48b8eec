import type { Batch } from '@sluice/contract/batch'
import { describe, expect, it } from 'vitest'
import { createSpeed, progressLine } from './progress.ts'
import { cell, table } from './table.ts'

const batch: Batch = {
  id: 'batch_1',
  object: 'batch',
  extractor: 'person@1',
  lane: 'default',
  status: 'in_progress',
  pause_reason: null,
  counts: { total: 200, waiting: 90, running: 10, succeeded: 97, failed: 3, cancelled: 0 },
  usage: { input_tokens: 0, output_tokens: 0, calls: 100, repeated_calls: 0, deduplicated: 0, cached: 0 },
  cost_usd: null,
  eta_s: { p50: 9.2, p90: 12 },
  concurrency: null,
  max_cost_usd: null,
  skipped: null,
  stored_bytes: 1_000,
  priority: 10,
  created_at: 0,
  started_at: 0,
  finished_at: null,
  metadata: {},
}

describe('a progress line', () => {
  it('tells how far, how fast, what failed and how long', () => {
    expect(progressLine(batch, 10.04, 200)).toBe(
      'person@1 [############------------]   50 %  100/200  10 running  10.0/s  3 failed  about 10 s left',
    )
  })

  it('reaches 100 % only when everything is done, and never leaves its line', () => {
    const counts = { total: 1_000, waiting: 0, running: 1, succeeded: 999, failed: 0, cancelled: 0 }
    expect(progressLine({ ...batch, counts }, null, 200)).toContain(' 99 %')
    expect(progressLine(batch, 10, 40)).toHaveLength(39)
  })

  it('takes its speed from the last few seconds', () => {
    const speed = createSpeed(1_000)
    expect(speed(0, 0)).toBeNull()
    expect(speed(10, 1_000)).toBe(10)
    expect(speed(30, 2_000)).toBe(20)
  })
})

describe('a table', () => {
  it('cuts the widest column until it fits', () => {
    expect(
      table(
        ['text', 'age'],
        [
          ['a text that is far too long', '7'],
          ['short', '23'],
        ],
        20,
      ),
    ).toEqual(['text            age', '--------------  ---', 'a text that...  7', 'short           23'])
  })

  it('shows any value in one line', () => {
    expect([null, undefined, 'two\n lines', 4.5, { a: 1 }].map(cell)).toEqual(['-', '-', 'two lines', '4.5', '{"a":1}'])
  })
})
