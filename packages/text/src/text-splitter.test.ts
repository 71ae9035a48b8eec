import { expect, test } from 'vitest'
import { splitBySize } from './split-by-size.ts'
import { createTextSplitter } from './text-splitter.ts'

/** The longest text that the contract accepts. */
const maxTextLength = 4_000_000

test('texts are split as splitBySize does, while the event loop stays free', async () => {
  await using splitter = createTextSplitter()
  const text = 'All is well in the harbour tonight. It rained.\n\n'.repeat(5_000)
  let ticks = 0
  const timer = setInterval(() => (ticks += 1), 5)
  const sizes = [
    { type: 'tokens', mostTokens: 5_000, overlapTokens: 100 },
    { type: 'count', parts: 6 },
  ] as const
  const split = await Promise.all(sizes.map((size) => splitter.split(text, size)))
  clearInterval(timer)
  expect(split).toEqual(sizes.map((size) => splitBySize(text, size)))
  // The timer fires while the thread works, even if another program keeps the processor busy.
  expect(ticks).toBeGreaterThan(2)
})

test('a size that is not valid is rejected, and the next text is split', async () => {
  await using splitter = createTextSplitter()
  await expect(splitter.split('A text.', { type: 'tokens', mostTokens: 0 })).rejects.toThrow(/mostTokens/)
  expect(await splitter.split('A text.', { type: 'tokens', mostTokens: 50 })).toMatchObject([
    { text: 'A text.', start: 0, end: 7 },
  ])
})

test.each(['\n', 'a'])(
  'the longest text, of %j alone, is split within the memory of the thread',
  async (unit) => {
    await using splitter = createTextSplitter()
    const text = unit.repeat(maxTextLength / unit.length)
    const parts = await splitter.split(text, { type: 'tokens', mostTokens: 5_000, overlapTokens: 200 })
    expect(parts.at(-1)).toMatchObject({ end: text.length })
  },
  180_000,
)
