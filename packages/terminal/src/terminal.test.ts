import type { Batch } from '@sluice/contract/batch'
import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createSpeed, formatDuration, formatUsd, progressLine } from './progress.ts'
import { createScreen, type ScreenStream } from './screen.ts'
import { showProgress } from './show-progress.ts'
import { cell, table } from './table.ts'

const batch: Batch = {
  id: 'batch_1',
  object: 'batch',
  task: 'extraction',
  name: null,
  extractor: 'person@1',
  lane: 'default',
  status: 'in_progress',
  pause_reason: null,
  hold: null,
  counts: { total: 200, waiting: 90, running: 10, succeeded: 97, failed: 3, cancelled: 0 },
  usage: { input_tokens: 0, output_tokens: 0, calls: 100, repeated_calls: 0, deduplicated: 0, cached: 0 },
  cost_usd: null,
  eta_s: { p50: 9.2, p90: 12 },
  rate: null,
  binding: null,
  concurrency: null,
  max_cost_usd: null,
  skipped: null,
  stored_bytes: 1_000,
  priority: 10,
  deadlines: {},
  created_at: 0,
  started_at: 0,
  finished_at: null,
  metadata: {},
}

describe('a progress line', () => {
  it('shows progress, speed, failures and time left', () => {
    expect(progressLine(batch, 10.04, 200)).toBe(
      'person@1 [############------------]   50 %  100/200  10 running  10.0/s  3 failed  about 10 s left',
    )
  })

  it('reaches 100 % only when everything is done, and never leaves its line', () => {
    const counts = { total: 1_000, waiting: 0, running: 1, succeeded: 999, failed: 0, cancelled: 0 }
    expect(progressLine({ ...batch, counts }, null, 200)).toContain(' 99 %')
    expect(progressLine(batch, 10, 20)).toHaveLength(19)
  })

  it('shows the name of the input if the extractor has no name', () => {
    const metadata = { input: 'people.csv' }
    expect(progressLine({ ...batch, metadata }, null, 200)).toMatch(/^person@1 \[/)
    expect(progressLine({ ...batch, metadata, extractor: 'inline' }, null, 200)).toMatch(/^people\.csv \[/)
  })

  it('shortens its bar first in a narrow window', () => {
    expect(progressLine(batch, 10, 90)).toBe(
      'person@1 [######------]   50 %  100/200  10 running  10.0/s  3 failed  about 10 s left',
    )
    expect(progressLine(batch, 10, 65)).toBe('50 %  100/200  10 running  10.0/s  3 failed  about 10 s left')
  })

  it('shows the cost, and long times in long units', () => {
    const line = progressLine({ ...batch, cost_usd: 0.01234, eta_s: { p50: 5_400, p90: 6_000 } }, null, 200)
    expect(line).toMatch(/about 90 min left {2}\$0\.0123$/)
    expect([100, 7_200, 100_000, 400_000].map(formatDuration)).toEqual(['100 s', '2 h', '28 h', '5 days'])
    expect([0.5, 1_234.5678].map(formatUsd)).toEqual(['$0.5000', '$1234.57'])
  })

  it('measures its speed over the last few seconds', () => {
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

  it('shows every value in one line', () => {
    expect([null, undefined, 'two\n lines', 4.5, { a: 1 }].map(cell)).toEqual(['-', '-', 'two lines', '4.5', '{"a":1}'])
  })
})

/** A terminal that stores what is written to it. */
function terminal(columns: number, isTTY = true) {
  const written: string[] = []
  const emitter = new EventEmitter()
  const stream = Object.assign(emitter, { columns, isTTY, write: (text: string) => written.push(text) > 0 })
  return { stream: stream as unknown as ScreenStream & { columns: number }, emitter, written }
}

describe('a screen', () => {
  it('keeps the changing line below the lines that stay', () => {
    const { stream, written } = terminal(80)
    const screen = createScreen(stream, 'xterm')
    screen.status(() => 'half')
    screen.say('a word')
    screen.status(null)
    expect(written).toEqual(['half', '\r\u001B[J', 'a word\n', 'half', '\r\u001B[J'])
  })

  it('redraws when the window changes, over all rows that the line was wrapped into', () => {
    const { stream, emitter, written } = terminal(80)
    const screen = createScreen(stream, 'xterm')
    screen.status((columns) => '#'.repeat(columns - 1))
    stream.columns = 30
    emitter.emit('resize')
    // 79 characters in rows of 30 are three rows.
    expect(written).toEqual(['#'.repeat(79), '\u001B[2A\r\u001B[J', '#'.repeat(29)])
    screen.status(null)
    expect(emitter.listenerCount('resize')).toBe(0)
  })

  it('shows no changing line without a terminal', () => {
    for (const [isTTY, name] of [
      [false, 'xterm'],
      [true, 'dumb'],
    ] as const) {
      const { stream, written } = terminal(80, isTTY)
      const screen = createScreen(stream, name)
      screen.status(() => 'half')
      screen.say('a word')
      expect(written).toEqual(['a word\n'])
    }
  })
})

describe('shown progress', () => {
  it('ends at a paused batch when its last call has ended', async () => {
    const { stream, written } = terminal(200)
    const running = { ...batch, status: 'paused' as const }
    const standing = { ...running, counts: { ...batch.counts, running: 0 } }
    const snapshots = async function* () {
      yield* [batch, running, standing]
      throw new Error('read on')
    }
    const last = await showProgress(snapshots(), createScreen(stream, 'xterm'), { plainEveryMs: 1_000 })
    expect(last).toBe(standing)
    expect(written.at(-1)).toBe('\r\u001B[J')
  })
})
