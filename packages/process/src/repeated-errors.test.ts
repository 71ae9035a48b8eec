import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRepeatedErrors } from './repeated-errors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function collect() {
  const lines: [message: string, repeats: number][] = []
  const errors = createRepeatedErrors({ write: (error, repeats) => lines.push([error.message, repeats]) })
  return { lines, errors }
}

describe('errors of a process', () => {
  test('are reported at once, and 100,000 repetitions in a minute as one line per 10 s with their number', () => {
    const { lines, errors } = collect()
    for (let second = 0; second < 60; second += 1) {
      for (let i = 0; i < 1_667; i += 1) errors.report(new Error(`could not renew lock for job batch_7.${i}.1`))
      vi.advanceTimersByTime(1_000)
    }
    vi.advanceTimersByTime(10_000)
    expect(lines[0]).toEqual(['could not renew lock for job batch_7.0.1', 0])
    expect(lines.length).toBeLessThanOrEqual(8)
    expect(lines.reduce((sum, [, repeats]) => sum + Math.max(1, repeats), 0)).toBe(60 * 1_667)
  })

  test('of different kinds do not hide each other', () => {
    const { lines, errors } = collect()
    errors.report(new Error('OOM command not allowed'))
    errors.report(new Error('READONLY You cannot write'))
    expect(lines.map(([message]) => message)).toEqual(['OOM command not allowed', 'READONLY You cannot write'])
  })

  test('are reported at once again after a time without them', () => {
    const { lines, errors } = collect()
    errors.report(new Error('gone'))
    vi.advanceTimersByTime(20_000)
    errors.report(new Error('gone'))
    expect(lines).toEqual([
      ['gone', 0],
      ['gone', 0],
    ])
  })

  test('of any number of kinds take bounded memory and a bounded number of lines', () => {
    const { lines, errors } = collect()
    const word = (i: number) =>
      String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26), 97 + Math.floor(i / 676))
    for (let i = 0; i < 5_000; i += 1) errors.report(new Error(`unknown thing ${word(i)}`))
    expect(lines.length).toBeLessThanOrEqual(201)
    errors[Symbol.dispose]()
    expect(lines.reduce((sum, [, repeats]) => sum + Math.max(1, repeats), 0)).toBe(5_000)
  })
})
