import { expect, test } from 'vitest'
import { type Cells, readRows, type TableKind } from './read-rows.ts'
import { guessIdColumn, guessTextColumn, openFiles, splitTexts, type Table } from './source.ts'

const file = (name: string, content: string | Uint8Array<ArrayBuffer>) => new File([content], name)
async function read(
  name: string,
  kind: TableKind,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<Record<string, string | undefined>[]> {
  const rows: Cells[] = []
  for await (const row of readRows(file(name, content), kind)) rows.push(row)
  return rows.map((row) => Object.fromEntries(row.columns.map((column) => [column, row.get(column)])))
}

test('CSV is read with quotes, line breaks in cells, any delimiter and a byte order mark', async () => {
  expect(await read('a.csv', 'csv', '\uFEFFid;text\r\n1;"a; ""b""\nc"\r\n2;d\r\n')).toEqual([
    { id: '1', text: 'a; "b"\nc' },
    { id: '2', text: 'd' },
  ])
})

test('CSV of Excel in Windows-1252 keeps its letters', async () => {
  const bytes = Uint8Array.of(0x74, 0x65, 0x78, 0x74, 0x0a, 0x4b, 0xf6, 0x6c, 0x6e, 0x0a)
  expect(await read('a.csv', 'csv', bytes)).toEqual([{ text: 'Köln' }])
})

test('columns without a name, or with the same name, get their own', async () => {
  expect(await read('a.csv', 'csv', 'a,,a\n1,2,3\n')).toEqual([{ a: '1', 'column 2': '2', 'a (3)': '3' }])
})

test('a CSV of many rows is read piece by piece without losing one', async () => {
  const rows = Array.from({ length: 30_000 }, (_, i) => `${i},"text ${i}, with a comma"`)
  const seen = await read('a.csv', 'csv', `id,text\n${rows.join('\n')}`)
  expect(seen).toHaveLength(30_000)
  expect(seen[29_999]).toEqual({ id: '29999', text: 'text 29999, with a comma' })
})

test('JSON lines are objects or texts; a broken line is named', async () => {
  expect(await read('a.jsonl', 'jsonl', '{"text":"a","n":1,"__proto__":"x"}\n\n"b"\n')).toEqual([
    { text: 'a', n: '1', ['__proto__']: 'x' },
    { text: 'b' },
  ])
  await expect(read('a.jsonl', 'jsonl', '{"text":"a"}\n{broken\n')).rejects.toThrow('line 2')
  await expect(read('a.json', 'json', '{"text":"a"}')).rejects.toThrow('not a list')
})

test('a file is opened for what it is', async () => {
  const table = (await openFiles([file('t.csv', 'id,body\nx,a long text\ny,\nz,another\n')])) as Table
  expect(table).toMatchObject({ kind: 'table', columns: ['id', 'body'], rows: 3, exact: true })
  expect([guessTextColumn(table), guessIdColumn(table)]).toEqual(['body', 'id'])
  expect(await openFiles([file('list.txt', 'a\nb')])).toMatchObject({ kind: 'pasted', text: 'a\nb' })
  expect(await openFiles([file('a.pdf', 'x')])).toMatchObject({ kind: 'documents' })
  expect(await openFiles([file('a.csv', 'x'), file('b.csv', 'x')])).toMatchObject({ kind: 'documents' })
  await expect(openFiles([file('e.csv', 'id,text\n')])).rejects.toThrow('e.csv has no rows')
  await expect(openFiles([file('b.csv', 'a\n"b\n')])).rejects.toThrow('b.csv')
  await expect(openFiles([])).rejects.toThrow('no file')
})

test('the rows of a large file are estimated from its beginning', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i},${'x'.repeat(200)}`)
  const table = (await openFiles([file('t.csv', `id,text\n${rows.join('\n')}`)])) as Table
  expect(table.exact).toBe(false)
  expect(table.rows).toBeGreaterThan(15_000)
  expect(table.rows).toBeLessThan(25_000)
})

test('pasted texts are split as chosen', () => {
  const text = 'a\n\nb\nc\r\n\r\n\r\n d '
  expect(splitTexts({ text, split: 'lines' })).toEqual(['a', 'b', 'c', 'd'])
  expect(splitTexts({ text, split: 'blank lines' })).toEqual(['a', 'b\nc', 'd'])
  expect(splitTexts({ text, split: 'none' })).toEqual([text.trim()])
})
