import { describe, expect, test } from 'vitest'
import { itemsOf, readItems } from './items.ts'

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}
const read = async (...texts: string[]) => Array.fromAsync(readItems(chunks(...texts)))

describe('items that stream in, a line each', () => {
  test('are put together over the borders of chunks, blank lines left out', async () => {
    const bytes = Buffer.from('"für"\n\n{"id":"a","text":"b"}\r\n"last"')
    const items = await Array.fromAsync(
      readItems(
        (async function* () {
          for (const byte of bytes) yield Buffer.from([byte])
        })(),
      ),
    )
    expect(items).toEqual([
      { id: '0', text: 'für' },
      { id: 'a', text: 'b' },
      { id: '2', text: 'last' },
    ])
  })

  test.each([
    ['not JSON', '"a"\n{oops\n', 'invalid_json', 'line 2'],
    ['no text', '"a"\n\n{"id":"x"}\n', 'invalid_item', 'line 3: text'],
    ['an empty text', '""\n', 'invalid_item', 'line 1'],
    ['an unknown field', '{"text":"a","meta":1}\n', 'invalid_item', 'line 1: meta'],
    ['an id twice', '{"id":"x","text":"a"}\n{"id":"x","text":"b"}\n', 'duplicate_id', 'line 2'],
  ])('that are %s are refused with their line', async (_, text, code, param) => {
    await expect(read(text)).rejects.toMatchObject({ code, param })
  })

  test('a line without an end is refused before it fills the memory', async () => {
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(1_000_000, 'x')
    })()
    await expect(Array.fromAsync(readItems(endless))).rejects.toMatchObject({ code: 'too_large' })
  })
})

describe('the id of an item', () => {
  const ids = (...inputs: (string | { id: string; text: string })[]) => [...itemsOf(inputs)].map(({ id }) => id)

  test('is its index where none is given', () => {
    expect(ids('a', { id: 'x', text: 'b' }, 'c')).toEqual(['0', 'x', '2'])
  })

  test('may be the index of an item that has another id, or the own', () => {
    expect(ids({ id: '1', text: 'a' }, { id: '0', text: 'b' }, { id: '2', text: 'c' })).toEqual(['1', '0', '2'])
  })

  test.each([
    [
      'given twice',
      [
        { id: 'x', text: 'a' },
        { id: 'x', text: 'b' },
      ],
      'items[1].id',
    ],
    ['the index of an earlier item', ['a', { id: '0', text: 'b' }], 'items[1].id'],
    ['the index of a later item', [{ id: '1', text: 'a' }, 'b'], 'items[1].id'],
  ])('is refused when it is %s', (_, inputs, param) => {
    expect(() => ids(...(inputs as string[]))).toThrow(expect.objectContaining({ code: 'duplicate_id', param }))
  })
})
