import { expect, test } from 'vitest'
import { InvalidRequestError } from './errors.ts'
import { createPieces, type PieceSize } from './items.ts'
import type { Texts } from './options.ts'

const all: PieceSize = { items: 1_000, characters: 1_000_000 }

test('any iterable becomes lines, in pieces that know their first index', async () => {
  const pieces = createPieces(['a', { id: 'x', text: 'b', metadata: { n: 1 } }, 'c'])
  expect(await pieces.next({ items: 2, characters: 1_000 })).toEqual({
    from: 0,
    lines: ['"a"', '{"id":"x","text":"b","metadata":{"n":1}}'],
    last: false,
  })
  expect(await pieces.next(all)).toEqual({ from: 2, lines: ['"c"'], last: true })
  async function* later() {
    yield 'one'
    yield 'two'
  }
  expect((await createPieces(later()).next(all)).lines).toEqual(['"one"', '"two"'])
  expect((await createPieces(new Set(['one'])).next(all)).lines).toEqual(['"one"'])
})

test('no more is read than a piece needs, and the iterator of the input is closed', async () => {
  let read = 0
  let left = false
  function* endless() {
    try {
      for (;;) {
        read += 1
        yield 'x'.repeat(98)
      }
    } finally {
      left = true
    }
  }
  const pieces = createPieces(endless())
  expect((await pieces.next({ items: 1_000, characters: 1_000 })).lines).toHaveLength(10)
  expect(read).toBe(10)
  await pieces.close()
  expect(left).toBe(true)
})

test.each([
  [['fine', ''], 'texts[1]: A text must not be empty.', 'texts[1]'],
  [[{ text: '' }], 'texts[0].text: A text must not be empty.', 'texts[0].text'],
  [[{ text: 'a', extra: 1 }], 'texts[0]: Unrecognized key: "extra"', 'texts[0]'],
])('an invalid item is named by its position: %j', async (texts, message, param) => {
  const failing = createPieces(texts as Texts).next(all)
  await expect(failing).rejects.toBeInstanceOf(InvalidRequestError)
  await expect(failing).rejects.toMatchObject({ message, param, code: 'invalid_item', status: null })
})

test('a string is not taken as a list of its characters', () => {
  expect(() => createPieces('one text')).toThrow('one text as [text]')
  expect(() => createPieces(null as unknown as Texts)).toThrow(TypeError)
})
