import { expect, test } from 'vitest'
import { findValues } from './mark-found.ts'

const marked = (text: string, answer: unknown) =>
  findValues(text, answer).map(({ start, end }) => text.slice(start, end))

test('values of the answer are found in the text as whole words, the longest first', () => {
  expect(marked('Ann Lee is 34. Ann paid 34.90; 3400 is other.', { name: 'Ann Lee', first: 'Ann', age: 34 })).toEqual([
    'Ann Lee',
    '34',
    'Ann',
    '34',
  ])
})

test('a value that is no text, is empty, or is not there marks nothing', () => {
  expect(marked('abc', { a: null, b: true, c: '', d: ' ', e: 'zzz', f: {}, g: [] })).toEqual([])
  expect(marked('abc', undefined)).toEqual([])
})

test('an answer with a thousand values in a long text is bounded', () => {
  const text = 'word '.repeat(20_000)
  const answer = { list: Array.from({ length: 1_000 }, (_, i) => `word${i}`), word: 'word' }
  expect(findValues(text, answer).length).toBeLessThanOrEqual(500)
})
