import { describe, expect, it } from 'vitest'
import { processorSlowdown } from '../../../test/support/processor-time.ts'
import { hostileCases } from '../report/hostile-cases.ts'
import { type HostileResult, runHostile } from '../report/run-hostile.ts'

/** Of processor time, on the machine on which it was measured: a worker's event loop is not blocked longer. */
const longestMs = 100
const mebibyte = 1024 * 1024
const longestOf = ({ doorMs, strictMs, validateMs }: HostileResult) => Math.max(doorMs, strictMs, validateMs)

describe('hostile schemas and answers end in bounded time, each with its verdict', () => {
  it.each(hostileCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    // The first run of a code path is interpreted and takes up to ten times as long: a worker has run it before.
    runHostile(one)
    let result = runHostile(one)
    // Garbage of the tests before may be collected in one run: the first of three within the limit counts.
    let limitMs = longestMs * processorSlowdown()
    for (let run = 1; run < 3 && longestOf(result) >= limitMs; run += 1) {
      result = runHostile(one)
      limitMs = longestMs * processorSlowdown()
    }
    expect(result.end).toBe(one.end)
    expect(result.doorMs).toBeLessThan(limitMs)
    expect(result.strictMs).toBeLessThan(limitMs)
    expect(result.validateMs).toBeLessThan(limitMs)
  })

  it('3,000,000 wrong items take no memory of their own', () => {
    const case_ = hostileCases.find(({ name }) => name === '3,000,000 wrong items')!
    const value = case_.answer()
    const before = process.memoryUsage().heapUsed
    runHostile({ ...case_, answer: () => value })
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * mebibyte)
  })
})
