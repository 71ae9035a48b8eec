import { expect, test } from 'vitest'
import { createChunker } from './chunker.ts'

test('texts are split in a thread, each as it was asked, and the event loop goes on meanwhile', async () => {
  await using chunker = createChunker()
  const text = 'All is well in the harbour tonight. '.repeat(5_000)
  let turns = 0
  const counting = setInterval(() => {
    turns += 1
  }, 5)
  const [six, sized, whole] = await Promise.all([
    chunker.split(text, { type: 'count', chunks: 6 }),
    chunker.split(text, { type: 'tokens', mostTokens: 1_000 }),
    chunker.split('Short.', { type: 'count', chunks: 1 }),
  ])
  clearInterval(counting)
  expect(six).toHaveLength(6)
  expect(sized.every(({ tokens }) => tokens <= 1_000)).toBe(true)
  for (const parts of [six, sized]) expect(parts.map((part) => part.text).join('')).toBe(text)
  expect(whole).toMatchObject([{ text: 'Short.', start: 0, end: 6 }])
  expect(turns).toBeGreaterThan(5)
})

test('a text that cannot be split is told, and the next one is split all the same', async () => {
  await using chunker = createChunker()
  await expect(chunker.split('A text.', { type: 'tokens', mostTokens: 0 })).rejects.toThrow(/mostTokens/)
  expect(await chunker.split('A text.', { type: 'tokens', mostTokens: 50 })).toHaveLength(1)
})
