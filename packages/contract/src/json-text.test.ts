import { expect, test } from 'vitest'
import { fc } from '../../../test/support/property.ts'
import { createJsonScan, maxJsonDepth, maxJsonValues, parseJson, toPointer } from './json-text.ts'

const nested = (depth: number, open: string, close: string, inner = '1') =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`

test('JSON of up to 64 levels is parsed, and deeper JSON is refused with the pointer', () => {
  expect(parseJson(nested(maxJsonDepth, '{"a":', '}'))).toMatchObject({ ok: true })
  const objects = parseJson(`{"x":[0,${nested(20_000, '{"a":', '}')}]}`)
  expect(objects).toMatchObject({
    ok: false,
    problem: 'too_deep',
    message: expect.stringContaining(`'#/x/1/a/a`) as string,
  })
  expect(objects.ok || objects.path).toEqual(['x', 1, ...Array.from({ length: maxJsonDepth - 2 }, () => 'a')])
  expect(parseJson(nested(maxJsonDepth + 1, '[', ']', ''))).toMatchObject({ ok: false, problem: 'too_deep' })
})

test('brackets in strings are not levels', () => {
  const text = `{"\\"[[[": "${'[{'.repeat(1_000)}\\\\"}`
  expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) })
})

test('more values than may be parsed at once are refused, however small they are', () => {
  expect(parseJson(`[${'[],'.repeat(maxJsonValues)}0]`)).toMatchObject({ ok: false, problem: 'too_many_values' })
  expect(parseJson(`{"m":[${'1,'.repeat(maxJsonValues - 10)}0]}`)).toMatchObject({ ok: true })
})

test('a pointer quotes the characters that have a meaning in it', () => {
  expect(toPointer(['a/b', 3, '~'])).toBe('/a~1b/3/~0')
})

test('any JSON within the limits is parsed as JSON.parse does, whatever the chunks', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), fc.integer({ min: 1, max: 7 }), (text, size) => {
      expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) })
      const bytes = Buffer.from(text)
      const scan = createJsonScan()
      for (let at = 0; at < bytes.length; at += size) expect(scan.feed(bytes.subarray(at, at + size))).toBeNull()
      const whole = createJsonScan()
      whole.feed(bytes)
      expect(scan.values).toBe(whole.values)
    }),
  )
})
