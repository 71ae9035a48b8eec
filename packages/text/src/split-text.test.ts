import { countTokens } from './count-tokens.ts'
import { fc } from '../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { splitText } from './split-text.ts'

const countWords = (text: string) => text.match(/\S+/g)?.length ?? 0
/** With these, a whole text may have more or fewer tokens than the sum of its pieces. */
const counts = {
  words: countWords,
  characters: (text: string) => text.length,
  'quarters of characters': (text: string) => Math.ceil(text.length / 4),
  'more than the pieces': (text: string) => text.length + Math.floor(text.length / 3),
  tokens: countTokens,
}

const word = fc.oneof(
  fc.constantFrom('a', 'the', 'Müller', 'e.g.', '3.5', 'parcel', '東京都', '👩‍👩‍👧', 'x'.repeat(70)),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
)
const sentence = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 12 }), fc.constantFrom('. ', '! ', '?\n', ' ', '。', '.\r\n'))
  .map(([words, end]) => words.join(' ') + end)
const anyText = fc
  .array(
    fc.tuple(fc.array(sentence, { minLength: 1, maxLength: 6 }), fc.constantFrom('\n\n', '\n \n\n', '', '\r\n\r\n')),
  )
  .map((paragraphs) => paragraphs.map(([sentences, end]) => sentences.join('') + end).join(''))
const limits = fc
  .integer({ min: 8, max: 120 })
  .chain((mostTokens) =>
    fc.record({ mostTokens: fc.constant(mostTokens), overlapTokens: fc.nat(Math.floor(mostTokens / 2)) }),
  )

describe.each(Object.entries(counts))('any text, counted in %s,', (_, countTokens) => {
  test('is complete: each part begins where the last one ended or before, and none is above the limit', () => {
    fc.assert(
      fc.property(anyText, limits, (text, limit) => {
        const parts = splitText(text, { ...limit, countTokens })
        let end = 0
        for (const part of parts) {
          expect(part.start).toBeLessThanOrEqual(end)
          expect(part.end).toBeGreaterThan(end)
          expect(part.text).toBe(text.slice(part.start, part.end))
          expect(part.tokens).toBe(countTokens(part.text))
          expect(part.text.isWellFormed()).toBe(text.isWellFormed())
          expect(part.tokens).toBeLessThanOrEqual(limit.mostTokens)
          const overlap = text.slice(part.start, end)
          expect(countTokens(overlap)).toBeLessThanOrEqual(limit.overlapTokens)
          end = part.end
        }
        expect(end).toBe(text.length)
      }),
    )
  })

  test('that fits is one part', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const mostTokens = Math.max(1, countTokens(text))
        expect(splitText(text, { mostTokens, overlapTokens: 0, countTokens }).map((part) => part.text)).toEqual(
          text === '' ? [] : [text],
        )
      }),
    )
  })
})

describe('a part', () => {
  const counted = { countTokens: countWords }

  test('ends with a sentence, and repeats the sentences that fit the overlap', () => {
    const text = 'One two three. Four five. Six seven eight nine. Ten eleven. Twelve.'
    const parts = splitText(text, { mostTokens: 8, overlapTokens: 3, ...counted })
    expect(parts.map((part) => part.text)).toEqual([
      'One two three. Four five. ',
      'Four five. Six seven eight nine. Ten eleven. ',
      'Ten eleven. Twelve.',
    ])
  })

  test('ends with a paragraph where one ends near the limit', () => {
    const text = 'One two three four. Five six seven.\n\nEight nine. Ten eleven twelve.\n\nThirteen.'
    const parts = splitText(text, { mostTokens: 9, overlapTokens: 0, ...counted })
    expect(parts.map((part) => part.text)).toEqual([
      'One two three four. Five six seven.\n\n',
      'Eight nine. Ten eleven twelve.\n\nThirteen.',
    ])
  })

  test('does not take the line breaks of a PDF for the ends of sentences', () => {
    const text = 'The parcel arrived\nlate on Tuesday. The box\nwas open.'
    const parts = splitText(text, { mostTokens: 7, overlapTokens: 0, ...counted })
    expect(parts.map((part) => part.text)).toEqual(['The parcel arrived\nlate on Tuesday. ', 'The box\nwas open.'])
  })

  test('ends between words, and overlaps by words, if a sentence is too long', () => {
    const text = Array.from({ length: 20 }, (_, i) => `word${i}`).join(' ')
    const parts = splitText(text, { mostTokens: 8, overlapTokens: 2, ...counted })
    expect(parts.map((part) => countWords(part.text))).toEqual([8, 8, 8])
    expect(parts[1]!.text).toMatch(/^word6 .* word13 $/)
    expect(parts[2]!.text).toMatch(/^word12 .* word19$/)
  })

  test('ends between lines before it ends between words', () => {
    const rows = Array.from({ length: 12 }, (_, i) => `row ${i}, value ${i * i}\n`).join('')
    const parts = splitText(rows, { mostTokens: 10, overlapTokens: 0, ...counted })
    expect(parts.length).toBeGreaterThan(3)
    for (const part of parts) expect(part.text).toMatch(/^row \d+,[^]*\n$/)
  })

  test('overlaps by words if no whole sentence fits the overlap', () => {
    const text = 'This sentence has six short words. And this one has again seven words.'
    const parts = splitText(text, { mostTokens: 10, overlapTokens: 3, ...counted })
    expect(parts.map((part) => part.text)).toEqual([
      'This sentence has six short words. ',
      'six short words. And this one has again seven words.',
    ])
  })
})

test('an empty text has no parts', () => {
  expect(splitText('', { mostTokens: 10, overlapTokens: 5, countTokens: countWords })).toEqual([])
})

test.each([
  [0, 0, 'mostTokens'],
  [1.5, 0, 'mostTokens'],
  [10, -1, 'overlapTokens'],
  [10, 6, 'overlapTokens'],
])('limits of %d and %d are rejected with an error that names the field', (mostTokens, overlapTokens, name) => {
  expect(() => splitText('a', { mostTokens, overlapTokens, countTokens: countWords })).toThrow(name)
})
