import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ItemInput } from '@sluice/contract/item'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Input } from './input.ts'
import { type InputOptions, openInput } from './open-input.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-inputs-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

type Given = Partial<Omit<InputOptions, 'fields'>> & Partial<InputOptions['fields']>

async function open(
  name: string,
  content: string | Uint8Array | null,
  { column, idColumn, keep = [], format, encoding = 'utf-8', delimiter, match }: Given = {},
  skip?: (place: string, message: string) => void,
): Promise<Input> {
  const path = join(directory, name)
  await mkdir(dirname(path), { recursive: true })
  if (content !== null) await writeFile(path, content)
  return openInput(
    path,
    { fields: { column, idColumn, keep }, format, encoding, delimiter, match },
    { skip, signal: new AbortController().signal },
  )
}

async function itemsOf(input: Input): Promise<ItemInput[]> {
  if (input.type !== 'items') throw new Error(`${input.name} has no items that are read here.`)
  return Array.fromAsync(input.items(() => {}))
}

async function read(...args: Parameters<typeof open>): Promise<ItemInput[]> {
  return itemsOf(await open(...args))
}

describe('JSONL', () => {
  it('has one text or item per line', async () => {
    const text =
      '"Ann is 3"\r\n\n{"id":"b","text":"Bob is 4","metadata":{"from":"form"}}\n{"id":7,"text":"Cy is 5","more":1}'
    expect(await read('people.jsonl', text)).toEqual([
      'Ann is 3',
      { id: 'b', text: 'Bob is 4', metadata: { from: 'form' } },
      { id: '7', text: 'Cy is 5' },
    ])
  })

  it('takes the text, the id and the metadata from any fields', async () => {
    const text = '{"nr":1,"bio":"Ann is 3","city":"Oslo","other":true}\n{"nr":2,"bio":"Bob is 4"}\n'
    expect(await read('people.ndjson', text, { column: 'bio', idColumn: 'nr', keep: ['city'] })).toEqual([
      { id: '1', text: 'Ann is 3', metadata: { city: 'Oslo' } },
      { id: '2', text: 'Bob is 4', metadata: { city: null } },
    ])
  })

  it('splits only at line feeds, not at Unicode separators', async () => {
    expect(await read('one.jsonl', '"one\u2028text\u0085here"\n')).toEqual(['one\u2028text\u0085here'])
  })

  it('reports the position of an invalid line and how to fix it', async () => {
    const wrong = (text: string, options?: Given) => read('people.jsonl', `"fine"\n${text}\n`, options)
    await expect(wrong('{oops')).rejects.toThrow(/^people\.jsonl line 2: Invalid JSON: /)
    await expect(wrong('""')).rejects.toThrow('people.jsonl line 2: A text must not be empty.')
    await expect(wrong('42')).rejects.toThrow('people.jsonl line 2: The line is neither a JSON string nor an object.')
    await expect(wrong('{"bio":"x","nr":1}')).rejects.toThrow(
      "people.jsonl line 2: There is no field 'text'; the fields are 'bio', 'nr'. Name the right one with --column.",
    )
    await expect(wrong('{"bio":3}', { column: 'bio' })).rejects.toThrow("line 2: The field 'bio' is not a string.")
    await expect(wrong('[')).rejects.toThrow(`jq -c ".[]" file.json`)
    await expect(wrong(`{"id":"${'x'.repeat(300)}","text":"long"}`)).rejects.toThrow('people.jsonl line 2: id: ')
  })

  it('skips invalid lines on request and reports their positions', async () => {
    const left: string[] = []
    const input = await open('people.jsonl', '"Ann"\n{oops\n""\n"Bob"\n', {}, (place) => left.push(place))
    expect(await itemsOf(input)).toEqual(['Ann', 'Bob'])
    expect(left).toEqual(['people.jsonl line 2', 'people.jsonl line 3'])
  })
})

describe('CSV', () => {
  it('takes the text from a named column, and quoted cells may contain anything', async () => {
    const text = 'nr,bio,city\n1,"Ann, who is ""3""\nyears old",Oslo\n2,Bob is 4,Rome\n'
    expect(await read('people.csv', text, { column: 'bio', idColumn: 'nr', keep: ['city', 'nr'] })).toEqual([
      { id: '1', text: 'Ann, who is "3"\nyears old', metadata: { city: 'Oslo', nr: '1' } },
      { id: '2', text: 'Bob is 4', metadata: { city: 'Rome', nr: '2' } },
    ])
  })

  it('needs no name for the column `text`, or for the only column', async () => {
    expect(await read('a.csv', 'id,text\n1,Ann\n')).toEqual([{ text: 'Ann' }])
    expect(await read('b.csv', 'whatever\nAnn is 3\n\n"Bob, 4"\n')).toEqual([{ text: 'Ann is 3' }, { text: 'Bob, 4' }])
  })

  it('may come from a spreadsheet: semicolons, tabs, a byte order mark, another encoding', async () => {
    const bom = '\uFEFF'
    expect(await read('a.csv', `${bom}"a, b";text;c\r\n1;Ann, 3;x\r\n`)).toEqual([{ text: 'Ann, 3' }])
    expect(await read('a.tsv', 'text\tb, c, d\nAnn, 3\tx\n')).toEqual([{ text: 'Ann, 3' }])
    const latin = Buffer.from('text;b\nJosé;x\n', 'latin1')
    await expect(read('a.csv', latin)).rejects.toThrow(
      'a.csv is not valid utf-8. Name its encoding, such as --encoding windows-1252.',
    )
    expect(await read('a.csv', latin, { encoding: 'windows-1252' })).toEqual([{ text: 'José' }])
    expect(await read('a.csv', 'text|b\nAnn|x\n', { delimiter: '|' })).toEqual([{ text: 'Ann' }])
  })

  it('reports what is invalid and how to fix it', async () => {
    await expect(read('a.csv', 'nr,bio\n1,Ann\n')).rejects.toThrow(
      "Say which column of a.csv contains the text, with --column; its columns are 'nr', 'bio'.",
    )
    await expect(read('a.csv', 'nr,bio\n1,Ann\n', { column: 'biography' })).rejects.toThrow(
      "a.csv has no column 'biography' (--column); its columns are 'nr', 'bio'.",
    )
    await expect(read('a.csv', 'nr,bio\n1,Ann\n', { column: 'bio', keep: ['x'] })).rejects.toThrow(
      "no column 'x' (--keep)",
    )
    await expect(read('a.csv', 'nr,text\n1,Ann\n2,\n')).rejects.toThrow("a.csv line 3: The column 'text' is empty.")
    await expect(read('a.csv', 'nr,text\n1,Ann, 3\n')).rejects.toThrow(
      'a.csv line 2: The row has 3 cells, but the first row names 2 columns.',
    )
    await expect(read('a.csv', 'nr,text\n1,"Ann\n')).rejects.toThrow(/^a\.csv: .*quote/i)
  })

  it('skips invalid rows on request', async () => {
    const left: string[] = []
    const input = await open('a.csv', 'nr,text\n1,Ann\n2,\n3,Bob,x\n4,Cy\n', {}, (place) => left.push(place))
    expect(await itemsOf(input)).toEqual([{ text: 'Ann' }, { text: 'Cy' }])
    expect(left).toEqual(['a.csv line 3', 'a.csv line 4'])
  })
})

describe('a folder', () => {
  it('has one text per file, in order of the paths, which are the ids', async () => {
    await open('letters/b.txt', 'Bob is 4').catch(() => {})
    await open('letters/a/1.log', 'Ann is 3').catch(() => {})
    await open('letters/.hidden/x.txt', 'no').catch(() => {})
    expect(await read('letters', null)).toEqual([
      { id: 'a/1.log', text: 'Ann is 3' },
      { id: 'b.txt', text: 'Bob is 4' },
    ])
    expect(await read('letters', null, { match: '**/*.log' })).toEqual([{ id: 'a/1.log', text: 'Ann is 3' }])
    await expect(read('letters', null, { match: '*.pdf' })).rejects.toThrow(
      /letters contains no files that match \*\.pdf\.$/,
    )
  })

  it('reports files that are not text', async () => {
    await open('letters/a.txt', 'Ann is 3').catch(() => {})
    await open('letters/b.dat', Buffer.from([0x41, 0x00, 0xff])).catch(() => {})
    await expect(read('letters', null)).rejects.toThrow(
      /b\.dat: The file is not text in utf-8\. Select files with --match/,
    )
    const left: string[] = []
    expect(await itemsOf(await open('letters', null, {}, (place) => left.push(place)))).toEqual([
      { id: 'a.txt', text: 'Ann is 3' },
    ])
    expect(left).toEqual([join(directory, 'letters/b.dat')])
  })
})

describe('documents', () => {
  it('are read by the server, with their names, in order of the paths', async () => {
    await open('letters/b.pdf', '%PDF')
    await open('letters/a/1.txt', 'Ann is 3')
    await open('letters/c.html', '<p>Bob')
    expect(await open('letters', null)).toEqual({
      type: 'documents',
      name: join(directory, 'letters'),
      sizeBytes: 18,
      files: [
        { path: join(directory, 'letters/a/1.txt'), id: 'a/1.txt', sizeBytes: 8 },
        { path: join(directory, 'letters/b.pdf'), id: 'b.pdf', sizeBytes: 4 },
        { path: join(directory, 'letters/c.html'), id: 'c.html', sizeBytes: 6 },
      ],
    })
    expect(await open('one.md', '# Ann')).toMatchObject({ type: 'documents', files: [{ id: 'one.md' }] })
  })

  it('must not share a folder with files that cannot be read', async () => {
    await open('letters/b.pdf', '%PDF')
    await open('letters/a.exe', 'x').catch(() => {})
    await expect(open('letters', null)).rejects.toThrow(/a\.exe: The file is neither text, Markdown, HTML nor PDF\./)
    const left: string[] = []
    expect(await open('letters', null, {}, (place) => left.push(place))).toMatchObject({ files: [{ id: 'b.pdf' }] })
    expect(left).toEqual([join(directory, 'letters/a.exe')])
  })
})

describe('any input', () => {
  it('passes all of its bytes to the digest, the same each time', async () => {
    await open('letters/b.txt', 'Bob is 4')
    await open('letters/a.txt', 'Ann is 3')
    const inputs = [
      await open('people.csv', `text\n${'Ann is 3\n'.repeat(20_000)}`),
      await open('people.jsonl', '"Ann is 3"\n'.repeat(20_000)),
      await open('letters', null),
    ]
    for (const input of inputs) {
      const seen: [Uint8Array[], Uint8Array[]] = [[], []]
      if (input.type !== 'items') throw new Error(input.name)
      const { items } = input
      for (const one of seen)
        expect((await Array.fromAsync(items((bytes) => void one.push(bytes)))).length).toBeGreaterThan(1)
      const [first, second] = seen.map((one) => Buffer.concat(one))
      expect(first!.length).toBeGreaterThanOrEqual(input.sizeBytes)
      expect(first!.equals(second!)).toBe(true)
    }
  })

  it('of lines has one text per line', async () => {
    expect(await read('people.txt', 'Ann is 3\n\nBob is 4')).toEqual(['Ann is 3', 'Bob is 4'])
  })

  it('that cannot be read is reported', async () => {
    await expect(open('gone.jsonl', null)).rejects.toThrow(/^File or folder not found: .*gone\.jsonl$/)
    await expect(open('people.json', '[]')).rejects.toThrow("jq -c '.[]'")
    await expect(open('people.dat', 'x')).rejects.toThrow('Add --format jsonl, csv or lines.')
    await expect(open('people.txt', 'x', { encoding: 'klingon' })).rejects.toThrow("Unknown encoding 'klingon'")
  })
})
