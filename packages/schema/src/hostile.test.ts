import { describe, expect, it } from 'vitest'
import { hostileCases } from '../report/hostile-cases.ts'
import { type HostileResult, runHostile } from '../report/run-hostile.ts'

/** Of processor time: a worker's event loop is not blocked longer. */
const longestMs = 100
const mebibyte = 1024 * 1024
const longestOf = ({ doorMs, strictMs, validateMs }: HostileResult) => Math.max(doorMs, strictMs, validateMs)

describe('hostile schemas and answers end in bounded time, each with its verdict', () => {
  it.each(hostileCases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    // The first run of a code path is interpreted and takes up to ten times as long: a worker has run it before.
    runHostile(one)
    let result = runHostile(one)
    // Programs that share the processor's caches also make a run slower: the first of three within the limit counts.
    for (let run = 1; run < 3 && longestOf(result) >= longestMs; run += 1) result = runHostile(one)
    expect(result.end).toBe(one.end)
    expect(result.doorMs).toBeLessThan(longestMs)
    expect(result.strictMs).toBeLessThan(longestMs)
    expect(result.validateMs).toBeLessThan(longestMs)
  })

  it('3,000,000 wrong items take no memory of their own', () => {
    const case_ = hostileCases.find(({ name }) => name === '3,000,000 wrong items')!
    const value = case_.answer()
    const before = process.memoryUsage().heapUsed
    runHostile({ ...case_, answer: () => value })
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * mebibyte)
  })
})
