import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { repeat } from './repeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const onError = (error: Error) => {
  throw error
}

describe('a repeated act', () => {
  test('runs at once or after the first interval, then every interval', async () => {
    let atOnce = 0
    let later = 0
    repeat(async () => void (atOnce += 1), { everyMs: 100, first: 'at-once', onError })
    repeat(async () => void (later += 1), { everyMs: 100, first: 'after-interval', onError })
    expect([atOnce, later]).toEqual([1, 0])
    await vi.advanceTimersByTimeAsync(250)
    expect([atOnce, later]).toEqual([3, 2])
  })

  test('never overlaps: turns that come while it runs are skipped', async () => {
    let running = 0
    let most = 0
    let runs = 0
    const act = async () => {
      runs += 1
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 250))
      running -= 1
    }
    repeat(act, { everyMs: 100, first: 'at-once', onError })
    await vi.advanceTimersByTimeAsync(1_000)
    expect({ most, runs }).toEqual({ most: 1, runs: 4 })
  })

  test('reports what it throws, also before it awaits anything, and goes on', async () => {
    const errors: unknown[] = []
    let runs = 0
    const act = () => {
      runs += 1
      if (runs === 1) throw new TypeError('thrown')
      return Promise.reject(runs === 2 ? new Error('rejected') : 'a string')
    }
    repeat(act, { everyMs: 100, first: 'at-once', onError: (error) => errors.push(error) })
    await vi.advanceTimersByTimeAsync(250)
    expect(errors).toEqual([new TypeError('thrown'), new Error('rejected'), new Error('a string')])
  })

  test('stops after the run that is under way, and runs no more', async () => {
    let runs = 0
    let ended = 0
    const act = async () => {
      runs += 1
      await new Promise((resolve) => setTimeout(resolve, 50))
      ended += 1
    }
    const repeating = repeat(act, { everyMs: 100, first: 'at-once', onError })
    const stopped = Promise.all([repeating.stop(), repeating.stop()])
    expect(ended).toBe(0)
    await vi.advanceTimersByTimeAsync(500)
    await stopped
    expect({ runs, ended }).toEqual({ runs: 1, ended: 1 })
  })
})
