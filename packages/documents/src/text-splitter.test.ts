import { countTokens } from '@sluice/tokens/count-tokens'
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
