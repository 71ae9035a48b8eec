import { createCodeExtractor } from '@sluice/config/code-extractor'
import { checkAnswer } from '@sluice/provider/check-answer'
import { encodeStrict } from '@sluice/schema/strict-encoder.test-support'
import { toStrictSchema } from '@sluice/schema/strict'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const inner = z.object({ a: z.string() })
const named = z.object({ a: z.string() }).meta({ id: 'a/b c%d~e<f>"', description: 'with an id' })
const category = z.object({
  name: z.string(),
  get children() {
    return z.array(category)
  },
})
type Tree = { value: number; next?: Tree | undefined }
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ value: z.number(), next: tree.optional() }))

/** The construct, what a model answers for it, and what the result has, where that is something else. */
const works: [string, z.ZodType, unknown, unknown?][] = [
  ['string', z.string(), 'x'],
  ['string with bounds', z.string().min(1).max(5), 'x'],
  ['string with a length', z.string().length(2), 'xy'],
  ['regex', z.string().regex(/^[a-z]+$/), 'abc'],
  ['regex with the flag i', z.string().regex(/^[a-z]+$/i), 'ABC'],
  ['regex with the flag s', z.string().regex(/^a.b$/s), 'a\nb'],
  ['regex with the flag m', z.string().regex(/^b$/m), 'a\nb'],
  ['regex with the flag u', z.string().regex(/^\p{Lu}$/u), 'Ä'],
  ['two regexes, one with a flag', z.string().regex(/a/).regex(/B/i), 'ab'],
  ['regex with a look-ahead', z.string().regex(/^(?=a)/), 'a'],
  ['regex with a flag and a description', z.string().regex(/^x$/i).describe('an x'), 'X'],
  ['startsWith, endsWith, includes', z.string().startsWith('a').endsWith('c').includes('b'), 'abc'],
  ['lowercase and uppercase', z.object({ l: z.string().lowercase(), u: z.string().uppercase() }), { l: 'a', u: 'A' }],
  ['trim', z.string().trim(), ' x ', 'x'],
  ['toLowerCase', z.string().toLowerCase(), 'X', 'x'],
  ['normalize', z.string().normalize(), 'e\u0301', '\u00e9'],
  ['email', z.email(), 'a@example.com'],
  ['url', z.url(), 'https://example.com/'],
  ['url with a protocol', z.url({ protocol: /^https$/i }), 'https://example.com/'],
  ['uuid', z.uuid(), '123e4567-e89b-42d3-a456-426614174000'],
  ['guid', z.guid(), '123e4567-e89b-12d3-a456-426614174000'],
  ['nanoid', z.nanoid(), 'V1StGXR8_Z5jdHi6B-myT'],
  ['cuid2', z.cuid2(), 'tz4a98xxat96iws9zmbrgj3a'],
  ['ulid', z.ulid(), '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ['xid', z.xid(), '9m4e2mr0ui3e8a215n4g'],
  ['ksuid', z.ksuid(), '0ujtsYcgvSTl8PAuAdqWYSMnLOv'],
  ['ipv4', z.ipv4(), '192.0.2.1'],
  ['ipv6', z.ipv6(), '2001:db8::1'],
  ['cidrv4', z.cidrv4(), '192.0.2.0/24'],
  ['cidrv6', z.cidrv6(), '2001:db8::/32'],
  ['mac', z.mac(), '00:1a:2b:3c:4d:5e'],
  ['base64', z.base64(), 'aGk='],
  ['base64url', z.base64url(), 'aGk'],
  ['e164', z.e164(), '+4912345678'],
  ['emoji', z.emoji(), '😀'],
  ['jwt', z.jwt(), 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln'],
  ['hostname', z.hostname(), 'example.com'],
  ['hash', z.hash('md5'), 'd41d8cd98f00b204e9800998ecf8427e'],
  ['iso.date', z.iso.date(), '2026-01-31'],
  ['iso.time', z.iso.time(), '12:30:00'],
  ['iso.datetime', z.iso.datetime(), '2026-01-31T12:30:00Z'],
  ['iso.duration', z.iso.duration(), 'P1DT2H'],
  ['stringFormat', z.stringFormat('card', /^[0-9]{4}$/), '1234'],
  ['stringFormat with the flag i', z.stringFormat('code', /^ab$/i), 'AB'],
  ['templateLiteral', z.templateLiteral(['no-', z.number()]), 'no-5'],
  ['number', z.number(), 1.5],
  ['number with bounds', z.number().min(0).max(10).multipleOf(0.5), 2.5],
  ['number up to infinity', z.number().max(Infinity), 5],
  ['positive', z.number().positive(), 1],
  ['int', z.int(), 5],
  ['int32', z.int32(), -5],
  ['uint32', z.uint32(), 5],
  ['float32', z.float32(), 0.5],
  ['float64', z.float64(), 0.5],
  ['boolean', z.boolean(), true],
  ['null', z.null(), null],
  ['any', z.any(), { x: [1, null] }],
  ['unknown', z.unknown(), 'x'],
  ['never, optional', z.object({ a: z.string(), b: z.never().optional() }), { a: 'x' }],
  ['literal', z.literal('x'), 'x'],
  ['literals of several types', z.literal(['a', 1, null, true]), null],
  ['enum', z.enum(['a', 'b']), 'b'],
  ['enum with numbers', z.enum({ A: 'a', One: 1 }), 1],
  ['keyof', inner.keyof(), 'a'],
  ['object', inner, { a: 'x' }],
  ['strictObject', z.strictObject({ a: z.string() }), { a: 'x' }],
  ['looseObject', z.looseObject({ a: z.string() }), { a: 'x', more: 1 }],
  ['catchall', inner.catchall(z.number()), { a: 'x', n: 1 }],
  ['partial', inner.partial(), {}],
  ['extend, pick and omit', inner.extend({ b: z.string(), c: z.string() }).omit({ c: true }), { a: 'x', b: 'y' }],
  ['an empty object', z.object({}), {}],
  ['array', z.array(z.string()), ['x']],
  ['array with bounds', z.array(z.string()).min(1).max(3), ['x']],
  ['tuple', z.tuple([z.string(), z.number()]), ['x', 1]],
  ['tuple with a rest', z.tuple([z.string()], z.number()), ['x', 1, 2]],
  ['record', z.record(z.string(), z.number()), { x: 1 }],
  ['record with an enum', z.record(z.enum(['a', 'b']), z.number()), { a: 1, b: 2 }],
  ['partialRecord', z.partialRecord(z.enum(['a', 'b']), z.number()), { a: 1 }],
  ['union', z.union([z.string(), z.number()]), 5],
  ['union of objects', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), { b: 'x' }],
  [
    'discriminatedUnion',
    z.discriminatedUnion('k', [
      z.object({ k: z.literal('a'), x: z.string().optional() }),
      z.object({ k: z.literal('b') }),
    ]),
    { k: 'a' },
  ],
  ['xor', z.xor([z.string(), z.number()]), 'x'],
  ['intersection', z.intersection(inner, z.object({ b: z.string() })), { a: 'x', b: 'y' }],
  ['optional', z.object({ a: z.string().optional() }), {}],
  ['exactOptional', z.object({ a: z.exactOptional(z.string()) }), {}],
  ['nullable', z.string().nullable(), null],
  ['nullish, null', z.object({ a: z.string().nullish() }), { a: null }],
  ['nullish, absent', z.object({ a: z.string().nullish() }), {}],
  ['nonoptional', z.string().optional().nonoptional(), 'x'],
  ['default', z.object({ a: z.string().default('d') }), {}, { a: 'd' }],
  ['prefault', z.object({ a: z.string().trim().prefault(' d ') }), {}, { a: 'd' }],
  ['default of null', z.object({ a: z.string().nullable().default(null) }), {}, { a: null }],
  ['catch', z.string().catch('c'), 'x'],
  ['readonly', z.array(z.string()).readonly(), ['x']],
  ['brand', z.string().brand('B'), 'x'],
  ['describe and meta', z.string().meta({ title: 'T', description: 'D', examples: ['x'] }), 'x'],
  ['meta with an id of any characters', z.object({ x: named, y: named.optional() }), { x: { a: 'q' } }],
  ['lazy', tree, { value: 1, next: { value: 2 } }],
  ['a recursive object', category, { name: 'x', children: [{ name: 'y', children: [] }] }],
  ['json', z.json(), { a: [1, 'x', null] }],
  ['refine', z.string().refine((text) => text.length > 0), 'x'],
  ['superRefine', z.string().superRefine(() => {}), 'x'],
  ['an async refine', z.string().refine(async () => true), 'x'],
  ['transform', z.string().transform((text) => text.length), 'xyz', 3],
  ['an async transform', z.string().transform(async (text) => `${text}!`), 'x', 'x!'],
  ['a transform to a Date', z.iso.date().transform((text) => new Date(text)), '2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['pipe', z.string().transform(Number).pipe(z.int()), '5', 5],
  ['preprocess', z.preprocess((value) => value, z.string()), 'x'],
  [
    'codec',
    z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (date) => date.toISOString() }),
    '2026-01-31T00:00:00Z',
    '2026-01-31T00:00:00.000Z',
  ],
  ['coerce.number', z.coerce.number(), 5],
  ['coerce.string', z.coerce.string(), 'x'],
  ['coerce.boolean', z.coerce.boolean(), true],
  ['stringbool', z.stringbool(), 'yes', true],
  ['promise', z.promise(z.string()), 'x'],
  [
    'a Map that becomes an object',
    z.array(z.tuple([z.string(), z.number()])).transform((all) => Object.fromEntries(new Map(all))),
    [['a', 1]],
    { a: 1 },
  ],
]

const refusedAtStart: [string, z.ZodType, RegExp][] = [
  ['Map', z.map(z.string(), z.number()), /Map cannot be represented/],
  ['Set', z.set(z.string()), /Set cannot be represented/],
  ['NaN', z.nan(), /NaN cannot be represented/],
  ['bigint', z.bigint(), /BigInt cannot be represented/],
  ['int64', z.int64(), /BigInt cannot be represented/],
  ['a literal bigint', z.literal(5n), /BigInt literals cannot/],
  ['coerce.bigint', z.coerce.bigint(), /BigInt cannot be represented/],
  [
    'a codec to bigint',
    z.codec(z.string(), z.bigint(), { decode: BigInt, encode: String }),
    /BigInt cannot be represented/,
  ],
  ['a transform into a bigint', z.string().transform(BigInt).pipe(z.bigint()), /BigInt cannot be represented/],
  [
    'a transform into a Map',
    z
      .string()
      .transform(() => new Map<string, number>())
      .pipe(z.map(z.string(), z.number())),
    /Map cannot be represented/,
  ],
  [
    'a transform into a Set, optional',
    z
      .string()
      .transform(() => new Set<string>())
      .pipe(z.set(z.string()))
      .optional(),
    /Set cannot be represented/,
  ],
  ['File', z.file(), /File cannot be represented/],
  ['File with a type', z.file().mime('text/plain'), /File cannot be represented/],
  ['Date', z.date(), /Date cannot be represented/],
  ['coerce.date', z.coerce.date(), /Date cannot be represented/],
  ['success', z.success(z.string()), /Success cannot be shown/],
  ['symbol', z.symbol(), /Symbols cannot be represented/],
  ['undefined', z.undefined(), /Undefined cannot be represented/],
  ['void', z.void(), /Void cannot be represented/],
  ['a literal undefined', z.literal(undefined), /cannot be represented/],
  ['custom', z.custom<string>((value) => typeof value === 'string'), /Custom types cannot be represented/],
  ['instanceof', z.instanceof(Date), /Custom types cannot be represented|cannot be represented/],
  [
    'a Map deep inside',
    z.object({ list: z.array(z.object({ m: z.map(z.string(), z.string()) })) }),
    /#\/properties\/v\/properties\/list\/items\/properties\/m: Map/,
  ],
]

describe('each construct of zod 4 works from the schema on the wire to the result', () => {
  test.each(works)('%s', async (_, construct, answer, result = answer) => {
    const { definition, refine } = createCodeExtractor({ name: 'x', schema: z.object({ v: construct }) })
    const sent = toStrictSchema(definition.schema)
    const form = { addedNulls: sent.strict, wrapped: sent.wrapped }
    const written = sent.strict ? encodeStrict(sent.schema, { v: answer }) : { v: answer }
    expect(await checkAnswer(JSON.stringify(written), definition.schema, { form, refine })).toEqual({
      type: 'valid',
      data: { v: result },
      repaired: false,
    })
  })
})

describe('each construct that JSON has no place for is refused at start, by its path', () => {
  test.each(refusedAtStart)('%s', (_, construct, message) => {
    expect(() => createCodeExtractor({ name: 'x', schema: z.object({ v: construct }) })).toThrow(message)
    expect(() => createCodeExtractor({ name: 'x', schema: z.object({ v: construct }) })).toThrow(
      /^extractor 'x': #\/properties\/v/,
    )
  })
})

test('any root works', async () => {
  const roots: [z.ZodType, unknown][] = [
    [z.array(inner), [{ a: 'x' }]],
    [z.string(), 'x'],
    [z.union([inner, z.array(z.string())]), ['x']],
    [tree, { value: 1, next: { value: 2 } }],
    [z.record(z.string(), z.number()), { a: 1 }],
  ]
  for (const [schema, answer] of roots) {
    const { definition, refine } = createCodeExtractor({ name: 'x', schema })
    const sent = toStrictSchema(definition.schema)
    const value = sent.wrapped ? { value: answer } : answer
    const written = sent.strict ? encodeStrict(sent.schema, value) : value
    const form = { addedNulls: sent.strict, wrapped: sent.wrapped }
    expect(await checkAnswer(JSON.stringify(written), definition.schema, { form, refine })).toMatchObject({
      data: answer,
    })
  }
})
