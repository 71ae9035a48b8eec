import { fc } from '../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { processorSlowdown } from '../../../test/support/processor-time.ts'
import { createPace } from './pace.ts'
import { parseAnswer } from './parse-answer.ts'

/** Milliseconds of this process's own work: on a busy machine the clock says little. */
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const values = async (text: string) => (await parseAnswer(text, createPace())).values.map(({ value }) => value)

describe('whatever the JSON', () => {
  const json = fc.json({ maxDepth: 5, noUnicodeString: false })

  test('it is read as JSON.parse reads it, in prose as well, or refused because a key or a digit would be lost', async () => {
    await fc.assert(
      fc.asyncProperty(json, async (text) => {
        const plain = await parseAnswer(text, createPace())
        if (plain.values.length === 0) expect(plain.fault?.message).toMatch(/given twice|too large/)
        else expect(plain.values[0]).toMatchObject({ value: JSON.parse(text), repaired: false })
        if (!/^\s*[{[]/.test(text)) return
        const inProse = await values(`Here:\n${text}\nDone.`)
        expect(inProse).toEqual(plain.values.map(({ value }) => value))
      }),
      { numRuns: 500 },
    )
  })

  test('it is read with a trailing comma, comments and spaces at every place where JSON allows a space', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
        const spaced = JSON.stringify([value], null, 1).replaceAll('\n', ' /* { */\u00a0// [\n')
        const text = spaced.replace(/\]$/, ',]')
        // A line break inside a string is escaped, so every line break is a space of JSON.
        expect(await values(text)).toEqual([JSON.parse(JSON.stringify([value]))])
      }),
      { numRuns: 300 },
    )
  })

  test('no prefix of it is read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1 }),
        fc.nat(),
        async (value, at) => {
          const text = JSON.stringify(value)
          expect(await values(text.slice(0, 1 + (at % (text.length - 1))))).toEqual([])
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('a hostile answer is read in time linear in its length:', () => {
  const large = JSON.stringify({ items: Array.from({ length: 30_000 }, (_, i) => ({ id: i, text: 'x'.repeat(60) })) })
  const table: [string, string][] = [
    ['200,000 line breaks in a fence', `\`\`\`${'\n'.repeat(200_000)}\`\`\``],
    ['braces', '{'.repeat(300_000)],
    ['brackets', '['.repeat(300_000)],
    ['braces with a word', '{x '.repeat(100_000)],
    ['brackets with a word', '[a '.repeat(100_000)],
    ['braces with spaces', `{${' '.repeat(1_000)}`.repeat(1_000)],
    ['braces with comments', '{//\n'.repeat(100_000)],
    ['comments that do not end', '{/*'.repeat(100_000)],
    ['objects with a fault', '{"a":1 "b":2} '.repeat(30_000)],
    ['strings that do not end', "{'a".repeat(100_000)],
    ['curly quotes', '{“a '.repeat(100_000)],
    ['apostrophes', `{‘a’: ‘${'x’x'.repeat(300_000)}’}`],
    ['backslashes', `{"${'\\'.repeat(300_000)}`],
    ['backslashes in an object with a fault', `{"a":1 "${`${'\\'.repeat(1_000)}"`.repeat(300)}`],
    ['think tags', '<think>'.repeat(100_000)],
    ['fences', '```json\n'.repeat(100_000)],
    ['values', '{} '.repeat(300_000)],
    ['the same key', `{${'"a":1,'.repeat(100_000)}"a":1}`],
    ['numbers to look at twice', `[${'1234567890123456,'.repeat(50_000)}1]`],
    ['escaped quotes', `{\\"a\\":[${'{\\"b\\":1},'.repeat(30_000)}]}`],
    ['nested equal keys', `${'{"a":0,"a":'.repeat(500)}0${'}'.repeat(500)}`],
    ['3 MB of objects in a fence', `\`\`\`json\n${large}\n\`\`\``],
    ['3 MB in single quotes', large.replaceAll('"', "'")],
    ['a string of 10 MB', `{"a":"${'x'.repeat(10_000_000)}"}`],
    ['a string of 10 MB in single quotes', `{'a':'${'x'.repeat(10_000_000)}'}`],
  ]

  test.each(table)('%s', async (_, text) => {
    expect(await cpuMs(() => parseAnswer(text, createPace()))).toBeLessThan(2_000 * processorSlowdown())
  })
})
