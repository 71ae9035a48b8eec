import { countTokens } from './count-tokens.ts'
import { expect, test } from 'vitest'
import { splitText } from './split-text.ts'
import { createTextSplitter } from './text-splitter.ts'

test('a long text is split as any other, while this thread goes on', async () => {
  await using splitter = createTextSplitter()
  const text = 'The weather was as it had been all week. It rained.\n\n'.repeat(20_000)
  let ticks = 0
  const timer = setInterval(() => (ticks += 1), 5)
  const ranges = await splitter.split(text, { mostTokens: 5_000, overlapTokens: 100 })
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(10)
  const parts = splitText(text, { mostTokens: 5_000, overlapTokens: 100, countTokens })
  expect(ranges).toEqual(parts.map(({ start, end }) => ({ start, end })))
})

/** What the contract takes. */
const maxTextLength = 4_000_000

test.each(['\n', 'a'])(
  'the longest text of %j alone is split within the memory of the thread',
  async (unit) => {
    await using splitter = createTextSplitter()
    const text = unit.repeat(maxTextLength / unit.length)
    const ranges = await splitter.split(text, { mostTokens: 5_000, overlapTokens: 200 })
    expect(ranges.at(-1)).toMatchObject({ end: text.length })
  },
  90_000,
)
