import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { countTokens as countAll } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { countTokens } from './count-tokens.ts'

test('a long text is counted at most one token too high for each piece', () => {
  const text = Array.from({ length: 5_000 }, (_, i) => ['The parcel', 'arrived', 'Grüße', '東京', '3.5'][i % 5]).join(
    ' ',
  )
  const exact = countAll(text)
  expect(countTokens(text)).toBeGreaterThanOrEqual(exact)
  expect(countTokens(text)).toBeLessThanOrEqual(exact + text.length / 2_000)
})

test('a text that contains a special token is counted like any other', () => {
  expect(countTokens('This ends here: <|endoftext|>')).toBeGreaterThan(8)
})

test('a word of a megabyte is counted as fast as other texts of its length', () => {
  const before = process.threadCpuUsage()
  expect(countTokens('a'.repeat(1_000_000))).toBeGreaterThan(1_000)
  // Processor time, which does not depend on what else runs; without pieces it would be minutes.
  expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(10_000)
})

test('long words are not kept in memory after they were counted', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let word = 0
  const heapAfter = (words: number) => {
    for (const last = word + words; word < last; word += 1)
      countTokens(String.fromCodePoint(0x4e00 + word).repeat(1_990))
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = heapAfter(100)
  expect(heapAfter(600) - before).toBeLessThan(10_000_000)
}, 180_000)
