import { describe, expect, test } from 'vitest'
import { checkAnswer, type Refine } from './check-answer.ts'

/** Strict about types, so that a reading that guesses is not valid by accident. */
const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    n: { type: 'number' },
    ok: { type: 'boolean' },
    note: { type: 'string' },
    none: { type: ['string', 'null'] },
    tags: { type: 'array', items: { type: 'string' } },
    sub: { type: 'object', properties: { name: { type: 'string' } } },
  },
}
const form = { addedNulls: false, wrapped: false }

const check = (answer: string, of: Record<string, unknown> = schema, refine?: Refine) =>
  checkAnswer(answer, of, { form, refine })

const valid = (data: unknown, repaired = true) => ({ type: 'valid', data, repaired })
const ada = { name: 'Ada' }
const deep = (levels: number) => `{"sub":`.repeat(levels) + '{}' + '}'.repeat(levels)

const readable: [string, string, unknown][] = [
  ['a trailing comma in an object', '{"name":"Ada",}', ada],
  ['a trailing comma in a list', '{"tags":["a","b",]}', { tags: ['a', 'b'] }],
  ['trailing commas at every level', '{"tags":["a",],"sub":{"name":"x",},}', { tags: ['a'], sub: { name: 'x' } }],
  ['a trailing comma before a line break', '{\n  "name": "Ada",\n}', ada],
  ['a line comment', '{"name":"Ada" // the name\n}', ada],
  ['a block comment', '{/* who */"name":/* is */"Ada"/**/}', ada],
  ['a comment with brackets and quotes', '{"name":"Ada" /* {"x": [1 */}', ada],
  ['a hash comment', '{\n# the name\n"name":"Ada"\n}', ada],
  ['a comment after the last comma', '{"name":"Ada", // done\n}', ada],
  ['what looks like a comment in a string', '{"name":"http://a/*b*/#c",}', { name: 'http://a/*b*/#c' }],
  ['a comment before the object', '// here\n{"name":"Ada"}', ada],
  ['a raw line break in a string', '{"note":"one\ntwo"}', { note: 'one\ntwo' }],
  ['a raw tab in a string', '{"note":"one\ttwo"}', { note: 'one\ttwo' }],
  ['a raw carriage return in a string', '{"note":"one\r\ntwo"}', { note: 'one\r\ntwo' }],
  ['a raw line break after an escaped one', '{"note":"one\\n\ntwo"}', { note: 'one\n\ntwo' }],
  ['other raw control characters', '{"note":"a\u0001b"}', { note: 'a\u0001b' }],
  ['an escaped apostrophe', '{"note":"it\\\'s"}', { note: "it's" }],
  ['an escaped apostrophe beside an escaped quote', '{"note":"it\\\'s \\"so\\""}', { note: 'it\'s "so"' }],
  ['no-break spaces', '{\u00a0"name":\u00a0"Ada"\u00a0}', ada],
  ['narrow and wide spaces', '{\u202f"name"\u2003:\u3000"Ada"}', ada],
  ['zero-width spaces', '{\u200b"name":"Ada"\u200b}', ada],
  ['a no-break space in a string', '{"name":"A\u00a0B",}', { name: 'A\u00a0B' }],
  ['a byte-order mark inside of a fence', '```\n\uFEFF{"name":"Ada"}\n```', ada],
  ['single quotes', "{'name':'Ada'}", ada],
  ['single quotes around double ones', `{'note':'she said "yes"'}`, { note: 'she said "yes"' }],
  ['single quotes around an escaped one', "{'note':'it\\'s'}", { note: "it's" }],
  ['single quotes around an apostrophe', "{'name':'O'Brien'}", { name: "O'Brien" }],
  ['single and double quotes', `{'name':"Ada","note":'x'}`, { name: 'Ada', note: 'x' }],
  ['an empty string in single quotes', "{'name':''}", { name: '' }],
  ['curly double quotes', '{“name”:“Ada”}', ada],
  ['curly quotes that all close', '{”name”:”Ada”}', ada],
  ['low and high quotes', '{„name“:„Ada“}', ada],
  ['curly single quotes', '{‘name’:‘Ada’}', ada],
  ['curly single quotes around an apostrophe', '{‘name’:‘O’Brien’}', { name: 'O’Brien' }],
  ['curly quotes around straight ones', '{“note”:“she said "yes", twice”}', { note: 'she said "yes", twice' }],
  ['curly quotes in curly quotes', '{“note”:“she said “yes” twice”}', { note: 'she said “yes” twice' }],
  ['curly quotes in straight ones', '{"note":"she said “yes”",}', { note: 'she said “yes”' }],
  ['a quote that opens curly and closes straight', '{“name": “Ada"}', ada],
  ['a quote that opens straight and closes curly', '{"name”: "Ada”}', ada],
  ['backticks', '{`name`:`Ada`}', ada],
  ['bare keys', '{name:"Ada",n:1}', { name: 'Ada', n: 1 }],
  ['bare keys with other letters', '{name:"Ada",größe_1:2}', { name: 'Ada', größe_1: 2 }],
  ['bare keys with a hyphen', '{name:"Ada",first-name:"x"}', { name: 'Ada', 'first-name': 'x' }],
  ['bare, single and double keys', `{name:"Ada",'n':1,"ok":true}`, { name: 'Ada', n: 1, ok: true }],
  ["Python's literals", '{"ok":True,"none":None}', { ok: true, none: null }],
  ["Python's False in single quotes", "{'ok':False}", { ok: false }],
  ["Python's literals as keys", '{None:1,"name":"Ada"}', { None: 1, name: 'Ada' }],
  ['a literal in a string', '{"name":"None",}', { name: 'None' }],
  ['a code fence', '```json\n{"name":"Ada"}\n```', ada],
  ['a code fence without a language', '```\n{"name":"Ada"}\n```', ada],
  ['a code fence in one line', '```json {"name":"Ada"} ```', ada],
  ['a code fence with a space before the language', '``` json\n{"name":"Ada"}\n```', ada],
  ['a code fence of tildes', '~~~json\n{"name":"Ada"}\n~~~', ada],
  ['a code fence with four backticks', '````json\n{"name":"Ada"}\n````', ada],
  ['a code fence that is not closed', '```json\n{"name":"Ada"}', ada],
  ['text before a fence', 'Here you are:\n\n```json\n{"name":"Ada"}\n```', ada],
  ['text after a fence', '```json\n{"name":"Ada"}\n```\nAnything else?', ada],
  ['text around a fence', 'Sure, here\'s it:\n```json\n{"name":"Ada"}\n```\nIt\'s done.', ada],
  ['text with apostrophes around an object', `That's it: {"name":"Ada"} - isn't it?`, ada],
  ['text with brackets around an object', 'As in [1] and {see below}: {"name":"Ada"} (ok) :]', ada],
  ['a fence inside of a string', '```json\n{"note":"```x```"}\n```', { note: '```x```' }],
  ['a word before the object', 'json\n{"name":"Ada"}', ada],
  ['an assignment', 'const answer = {"name":"Ada"};', ada],
  ['tags around the object', '<json>{"name":"Ada"}</json>', ada],
  ['a bold heading', '**Answer:** {"name":"Ada"}', ada],
  ['double braces of a template', '{{"name":"Ada"}}', ada],
  ['a think block', '<think>What is it?</think>{"name":"Ada"}', ada],
  ['a think block with braces', '<think>{ maybe {x} }</think>\n{"name":"Ada"}', ada],
  ['a think block with a valid draft', '<think>{"name":"Bob"}?</think>\n{"name":"Ada"}', ada],
  ['a think block with an open brace', '<think>It begins with { and [ "</think>\n{"name":"Ada"}', ada],
  ['a think block with quotes', `<think>don't "guess</think>{"name":"Ada"}`, ada],
  ['a think block without its opening tag', 'Let me see: {"name":"Bob"}\n</think>\n\n{"name":"Ada"}', ada],
  ['two think blocks', '<think>{"name":"B"}</think><think>{"name":"C"}</think>{"name":"Ada"}', ada],
  ['a thinking block', '<thinking>{"name":"Bob"}</thinking>```json\n{"name":"Ada"}\n```', ada],
  ['a think block before a fence with a comment', '<think>{}</think>```json\n{"name":"Ada", // x\n}\n```', ada],
  ['the only valid object, not the last', '{"name":"Ada"} (not {"name":7})', ada],
  ['the only valid object, not the first', 'Not {"name":7} but {"name":"Ada"}', ada],
  ['a list of one around the object', '[{"name":"Ada"}]', ada],
  ['the same object twice', '{"name":"Ada"}\n\nAgain: { "name": "Ada" }', ada],
  ['an example with placeholders before the object', 'Form: {"name": ..., "n": <number>}\n{"name":"Ada"}', ada],
  ['a broken draft before the object', 'Draft: {"name": Ada}. Answer: {"name":"Ada"}', ada],
  ['a key given twice with the same value', '{"name":"Ada","n":1,"name":"Ada",}', { name: 'Ada', n: 1 }],
  ['a JSON string that holds the object', '"{\\"name\\":\\"Ada\\"}"', ada],
  ['an object with escaped quotes', '{\\"name\\": \\"Ada\\"}', ada],
  ['an escaped object over several lines', '{\n  \\"name\\": \\"Ada\\"\n}', ada],
  ['single quotes, bare key, comment, trailing comma', "{name: 'Ada', 'n': 1, // x\n}", { name: 'Ada', n: 1 }],
  ['a fence with single quotes and Python', "```python\n{'name': 'Ada', 'ok': True}\n```", { name: 'Ada', ok: true }],
  ['curly quotes, no-break space, trailing comma', '{“name”:\u00a0“Ada”,}', ada],
  ['raw line break, apostrophe and fence', "```\n{'note': 'it's\nlong',}\n```", { note: "it's\nlong" }],
  [
    'text, fence, comment and bare keys',
    'OK:\n```js\n{ name: "Ada", /* n */ n: -1.5e3 }\n```\n!',
    { name: 'Ada', n: -1500 },
  ],
  ['think block, prose and trailing comma', '<think>[</think>Done: {"tags":["a",],}', { tags: ['a'] }],
  ['empty containers with comments', '{"tags":[/* none */],"sub":{// none\n}}', { tags: [], sub: {} }],
  ['the key __proto__', '{"__proto__":1,"name":"Ada",}', JSON.parse('{"__proto__":1,"name":"Ada"}')],
  ['a nested object of 200 levels', `${deep(200)} ok`, JSON.parse(deep(200))],
]

const untouched: [string, string, unknown][] = [
  ['plain JSON', '{"name":"Ada"}', ada],
  ['plain JSON with a byte-order mark and spaces', '\uFEFF \n{"name":"Ada"}\n', ada],
  ['a key given twice with the same value', '{"sub":{"name":"x"},"sub":{ "name": "x" }}', { sub: { name: 'x' } }],
  ['escapes and other alphabets', '{"name":"\\u00e4\\n\\/ 日本 \\ud83d\\ude00"}', { name: 'ä\n/ 日本 😀' }],
  ['a string that looks like a think block', '{"note":"<think>{</think>"}', { note: '<think>{</think>' }],
  ['a string that looks like a fence', '{"note":"```json\\n{}\\n```"}', { note: '```json\n{}\n```' }],
  ['a large integer that is exact', '{"n":9007199254740992}', { n: 9007199254740992 }],
  ['a number with an exponent', '{"n":1.5e300}', { n: 1.5e300 }],
]

const refused: [string, string, RegExp][] = [
  ['nothing', ' \n', /is empty/],
  ['prose alone', 'I cannot say.', /no JSON/],
  ['a think block alone', '<think>{"name":"Ada"}</think>', /outside of its <think>/],
  ['a think block that does not end', '<think>{"name":"Ada"}', /outside of its <think>/],
  ['a number with a thousands separator', '{"n":1,036}', /expected a key but found "036"/],
  ['a number with a thousands separator, then a key', '{"n":1,036,"name":"Ada"}', /expected a key/],
  ['a number with a leading zero', '{"n":036}', /number/],
  ['a number with an underscore', '{"n":1_036}', /number/],
  ['a number with a unit', '{"n":5kg}', /number as JSON writes it but found "5kg"/],
  ['a number with a percent sign', '{"n":5%}', /number/],
  ['a number with a currency', '{"n":$5}', /expected a value/],
  ['a number with a plus sign', '{"n":+5}', /expected a value/],
  ['a number without its first digit', '{"n":.5}', /expected a value/],
  ['a number without its last digit', '{"n":5.}', /number/],
  ['a hexadecimal number', '{"n":0x10}', /number/],
  ['a fraction', '{"n":1/2}', /expected "," or "}"/],
  ['NaN', '{"n":NaN}', /expected a value but found "NaN"/],
  ['Infinity', '{"n":-Infinity}', /number/],
  ['a number that would become infinite', '{"n":1e400}', /too large to be exact/],
  ['an integer that would be rounded', '{"n":12345678901234567890}', /12345678901234567890 is too large/],
  ['an integer that would be rounded, in a fence', '```\n{"n":9007199254740993}\n```', /too large/],
  ['a missing comma between keys', '{"name":"Ada" "n":1}', /expected "," or "}"/],
  ['a missing comma between lines', '{"name":"Ada"\n"n":1}', /line 2, column 1/],
  ['a missing comma between elements', '{"tags":["a" "b"]}', /expected "," or "]"/],
  ['a missing comma in single quotes', "{'tags':['a' 'b']}", /expected "," or "]"/],
  ['a missing comma between objects in a list', '{"tags":[],"sub":{"name":"a"} {"name":"b"}}', /expected/],
  ['a missing colon', '{"name" "Ada"}', /expected ":"/],
  ['a missing value', '{"name":}', /expected a value/],
  ['a missing key', '{:"Ada"}', /no JSON|expected a key/],
  ['two commas', '{"tags":["a",,"b"]}', /expected a value but found ","/],
  ['a leading comma', '{,"name":"Ada"}', /no JSON|expected a key/],
  ['a bare value', '{"name":Ada}', /expected a value but found "Ada"/],
  ['undefined', '{"name":undefined}', /found "undefined"/],
  ['a missing opening quote', '{"name":Ada"}', /expected a value/],
  ['a missing closing quote', '{"name":"Ada}', /ends before it is complete/],
  ['a missing closing quote before another key', '{"name":"Ada,"n":1}', /expected/],
  ['quotes that are not escaped', '{"note":"she said "yes" twice"}', /expected "," or "}" but found "yes"/],
  ['an apostrophe at the end of a word', "{'note':'the dogs' bowl'}", /expected/],
  ['an unknown escape', '{"note":"\\d"}', /the escape \\d is not valid/],
  ['an escape with too few digits', '{"note":"\\u12"}', /escape/],
  ['a cut-off string', '{"name":"Ad', /ends before it is complete/],
  ['a cut-off list', '{"tags":["a","b"', /ends before/],
  ['a cut-off object', '{"name":"Ada"', /ends before/],
  ['a cut-off object in a fence', '```json\n{"name":"Ada",\n```', /expected a key|ends before/],
  ['a cut-off list whose first objects are complete', '[{"name":"Ada"},{"name":"B', /ends before/],
  ['an object after which another one is cut off', '{"name":"Bob"} no: {"name":"Ad', /ends before/],
  ['a cut-off comment', '{"name":"Ada" /* ', /ends before/],
  ['a cut-off literal', '{"ok":tru', /expected a value|ends before/],
  ['a closing bracket of the other kind', '{"tags":["a"}', /expected "," or "]"/],
  ['a draft before an object with a fault', '{"name":"Bob"}, corrected: {"name":"Ada" "n":1}', /expected/],
  ['an object with a fault that holds valid ones', '{"sub":{"name":"a"} "x":{"name":"b"}}', /expected/],
  ['a key given twice with different values', '{"name":"Ada","name":"Bob"}', /"name" is given twice/],
  ['a key given twice with different values, deep', '{"sub":{"name":"a","name":"b"}}', /"name" is given twice/],
  ['a key given twice, once with a comment', '{"n":1,/**/"n":2}', /"n" is given twice/],
  ['a key given twice, once escaped', '{"n":1,"\\u006e":2}', /"n" is given twice/],
  ['a bare key given twice', '{n:1,"n":2}', /"n" is given twice/],
  ['two different valid objects', '{"name":"Ada"} or {"name":"Bob"}', /two different valid values/],
  ['two different valid objects in two fences', '```\n{"name":"A"}\n```\n```\n{"name":"B"}\n```', /two different/],
  ['two different valid objects, one by line', '{"name":"Ada"}\n{"name":"Bob"}', /two different/],
  ['curly quotes that can be read in two ways', '{“name”:“a", "note": "b”}', /two ways|expected/],
  ['a list of two objects', '[{"name":"Ada"},{"name":"Bob"}]', /must be object/],
  ['a value of the wrong type in a fence', 'Here:\n```json\n{"name": 7}\n```', /^\/name: must be string; got 7$/],
  ['a key that no one asked for at a depth of 2,000', deep(2_000), /nested/],
  ['a list of more values than any model writes', `[${'0,'.repeat(500_001)}0]`, /more than 500000 values/],
  ['more values than anyone reads', '{} '.repeat(200), /more than 100/],
]

describe('an answer is read, and says that it was repaired:', () => {
  test.each(readable)('%s', async (_, answer, data) => {
    expect(await check(answer)).toEqual(valid(data))
  })
})

describe('an answer is taken as it is:', () => {
  test.each(untouched)('%s', async (_, answer, data) => {
    expect(await check(answer)).toEqual(valid(data, false))
  })
})

describe('an answer is refused, with the fault:', () => {
  test.each(refused)('%s', async (_, answer, error) => {
    expect(await check(answer)).toEqual({ type: 'invalid', errors: [expect.stringMatching(error)] })
  })
})

test('the table has at least a hundred broken answers', () => {
  expect(readable.length + refused.length).toBeGreaterThanOrEqual(150)
})

describe('the errors of an answer', () => {
  test('name the fault inside of a fence by its line, not the fence', async () => {
    expect(await check('Sure:\n```json\n{\n  "name": "Ada"\n  "n": 1\n}\n```')).toEqual({
      type: 'invalid',
      errors: ['the answer is not valid JSON: expected "," or "}" but found "\\"" (line 5, column 3)'],
    })
  })

  test('are those of the largest value, not of an example beside it', async () => {
    expect(await check('{"n":""} is wrong, so {"name":"Ada","n":"1","ok":true}')).toEqual({
      type: 'invalid',
      errors: ['/n: must be number; got "1"'],
    })
  })
})

describe('null for an absent optional property', () => {
  const nullsOfAda = '{"name":"Ada","n":null,"none":null,"sub":{"name":null}}'

  test('is understood without strict mode, too', async () => {
    expect(await check(nullsOfAda)).toEqual(valid({ name: 'Ada', none: null, sub: {} }, false))
  })

  test('stays where it is valid', async () => {
    expect(await check('{"name":"Ada","none":null}')).toEqual(valid({ name: 'Ada', none: null }, false))
  })

  test('is understood before the check of an extractor in code', async () => {
    const refine: Refine = async (data) =>
      JSON.stringify(data).includes('"n":null') ? { type: 'invalid', errors: ['/n: null'] } : { type: 'valid', data }
    expect(await check(nullsOfAda, schema, refine)).toEqual(valid({ name: 'Ada', none: null, sub: {} }, false))
  })
})

describe('a schema that was sent as the property of an object', () => {
  const list = { type: 'array', items: { type: 'string' } }
  const wrapped = (answer: string, addedNulls: boolean, of: Record<string, unknown> = list) =>
    checkAnswer(answer, of, { form: { addedNulls, wrapped: true }, refine: undefined })

  test('has its value taken out', async () => {
    expect(await wrapped('{"value":["a"]}', true)).toEqual(valid(['a'], false))
    expect(await wrapped('{"value":["a"]}', false)).toEqual(valid(['a'], false))
  })

  test('is read without the wrapping where nothing enforced it', async () => {
    expect(await wrapped('```\n["a"]\n```', false)).toEqual(valid(['a']))
  })

  test('is not unwrapped twice', async () => {
    const tree = { type: 'object', properties: { value: { $ref: '#' } } }
    expect(await wrapped('{"value":{"value":{}}}', true, tree)).toEqual(valid({ value: {} }, false))
  })
})

test('scalars are read where the schema asks for them', async () => {
  expect(await check('```\n5\n```', { type: 'integer' })).toEqual(valid(5))
  expect(await check("'five'", { type: 'string' })).toEqual(valid('five'))
  expect(await check('"{\\"a\\":1}"', { type: 'string' })).toEqual(valid('{"a":1}', false))
})

test("a fault of the extractor's own code is not the model's", async () => {
  const refine: Refine = async () => ({ type: 'author-error', message: 'The code threw.' })
  expect(await check('{"name":"Ada"}', schema, refine)).toEqual({ type: 'author-error', message: 'The code threw.' })
})
