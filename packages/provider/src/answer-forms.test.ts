import { describe, expect, test } from 'vitest'
import { checkAnswer } from './check-answer.ts'
import { acme, schema } from './invoice.test-support.ts'

const check = (answer: string, of: Record<string, unknown> = schema) =>
  checkAnswer(answer, of, { form: { addedNulls: false, wrapped: false }, refine: undefined })

const readable: [string, string, unknown][] = [
  ['list item', '- {"vendor":"Acme","total":5}', acme],
  ['numbered list', '1. {"vendor":"Acme","total":5}', acme],
  ['blockquote multi-line', '> {\n>   "vendor": "Acme",\n>   "total": 5\n> }', acme],
  ['fence in a list, indented', '1. Result:\n\n   ```json\n   {"vendor":"Acme","total":5}\n   ```', acme],
  ['xml', '<answer>{"vendor":"Acme","total":5}</answer>', acme],
  ['xml CDATA', '<result><![CDATA[{"vendor":"Acme","total":5}]]></result>', acme],
  ['html pre code', '<pre><code>{"vendor":"Acme","total":5}</code></pre>', acme],
  ['double encoded', JSON.stringify(JSON.stringify(acme)), acme],
  ['triple encoded', JSON.stringify(JSON.stringify(JSON.stringify(acme))), acme],
  ['double encoded in fence', '```json\n' + JSON.stringify(JSON.stringify(acme)) + '\n```', acme],
  ['double encoded in prose', 'Result: ' + JSON.stringify(JSON.stringify(acme)), acme],
  ['answer wrapper', '{"answer":{"vendor":"Acme","total":5}}', acme],
  ['data wrapper', '{"data":{"vendor":"Acme","total":5}}', acme],
  ['tool call shape', '{"name":"extract","arguments":{"vendor":"Acme","total":5}}', acme],
  [
    'tool call shape, string arguments',
    '{"name":"extract","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5}"}',
    acme,
  ],
  ['tool_call tags', '<tool_call>\n{"name":"extract","arguments":{"vendor":"Acme","total":5}}\n</tool_call>', acme],
  ['list of one', '[{"vendor":"Acme","total":5}]', acme],
  ['schema then answer', JSON.stringify(schema) + '\n' + JSON.stringify(acme), acme],
  [
    'schema echoed in fence then answer',
    'Schema:\n```json\n' +
      JSON.stringify(schema, null, 1) +
      '\n```\nAnswer:\n```json\n' +
      JSON.stringify(acme) +
      '\n```',
    acme,
  ],
  ['ndjson of same', '{"vendor":"Acme","total":5}\n{"vendor":"Acme","total":5}', acme],
  ['answer with end token', '{"vendor":"Acme","total":5}<|im_end|>', acme],
  ['with eot', '{"vendor":"Acme","total":5}</s>', acme],
  ['harmony', '<|channel|>final<|message|>{"vendor":"Acme","total":5}', acme],
  [
    'harmony analysis + final',
    '<|channel|>analysis<|message|>maybe {"vendor":"Bob","total":1}<|end|><|start|>assistant<|channel|>final<|message|>{"vendor":"Acme","total":5}',
    acme,
  ],
  [
    'harmony draft equal type',
    '<|channel|>analysis<|message|>draft {vendor Bob}<|end|><|start|>assistant<|channel|>final<|message|>{"vendor":"Acme","total":5}',
    acme,
  ],
  ['INST', '[INST] x [/INST] {"vendor":"Acme","total":5}', acme],
  ['think upper', '<THINK>{"vendor":"Bob","total":5}</THINK>{"vendor":"Acme","total":5}', acme],
  ['think with attributes', '<think effort="high">{"vendor":"Bob","total":5}</think>{"vendor":"Acme","total":5}', acme],
  ['reflection', '<reflection>{"vendor":"Bob","total":5}</reflection>{"vendor":"Acme","total":5}', acme],
  ['scratchpad', '<scratchpad>{"vendor":"Bob","total":5}</scratchpad>\n{"vendor":"Acme","total":5}', acme],
  ['seed think', '<seed:think>{"vendor":"Bob","total":5}</seed:think>{"vendor":"Acme","total":5}', acme],
  ['[THINK] mistral', '[THINK]{"vendor":"Bob","total":5}[/THINK]{"vendor":"Acme","total":5}', acme],
  ['◁think▷ kimi', '◁think▷{"vendor":"Bob","total":5}◁/think▷{"vendor":"Acme","total":5}', acme],
  ['nested think mention', '<think>I should use <think> tags? {"a"</think>{"vendor":"Acme","total":5}', acme],
  ['think in string', '{"vendor":"Acme","total":5,"note":"</think> {"}', { ...acme, note: '</think> {' }],
  ['think tag mention after', '{"vendor":"Acme","total":5}\n<think>done? {"vendor":"Bob","total":1}</think>', acme],
  ['python dict', "{'vendor': 'Acme', 'total': 5, 'paid': True, 'note': None}", { ...acme, paid: true, note: null }],
  ['python repr escaped', "{'vendor': 'Acme\\'s', 'total': 5}", { vendor: "Acme's", total: 5 }],
  ['python double in single', `{'vendor': 'A "B" C', 'total': 5}`, { vendor: 'A "B" C', total: 5 }],
  ['exp', '{"vendor":"Acme","total":5e0}', acme],
  ['arith comment', '{"vendor":"Acme","total":5 /* 2+3 */}', acme],
  [
    'long fraction',
    '{"vendor":"Acme","total":0.1234567890123456789012345}',
    { vendor: 'Acme', total: 0.12345678901234568 },
  ],
  ['neg zero', '{"vendor":"Acme","total":-0}', { vendor: 'Acme', total: -0 }],
  ['dup same', '{"vendor":"Acme","total":5,"vendor":"Acme"}', acme],
  ['dup 1 1.0', '{"vendor":"Acme","total":5,"total":5.0}', acme],
  ['extra closing brace', '{"vendor":"Acme","total":5}}', acme],
  ['fullwidth colon/comma', '{"vendor"："Acme"，"total"：5}', acme],
  ['valid-escape windows path', '{"vendor":"C:\\new","total":5}', { vendor: 'C:\new', total: 5 }],
  ['half of a surrogate pair, which is JSON', '{"vendor":"\\ud800","total":5}', { vendor: '\ud800', total: 5 }],
  [
    'fences in strings',
    '```json\n{"vendor":"Acme","total":5,"note":"```js\\nlet a = {}\\n```"}\n```',
    { ...acme, note: '```js\nlet a = {}\n```' },
  ],
  [
    'raw fences in strings',
    '```json\n{"vendor":"Acme","total":5,"note":"```js\nlet a = {}\n```"}\n```',
    { ...acme, note: '```js\nlet a = {}\n```' },
  ],
  ['BOM + fence', '\ufeff```json\n{"vendor":"Acme","total":5}\n```', acme],
  ['BOM in fence twice', '\ufeff\ufeff{"vendor":"Acme","total":5}', acme],
  ['null bytes', '\u0000{"vendor":"Acme","total":5}\u0000', acme],
  ['RTL marks', '\u200f{"vendor":"Acme","total":5}\u200f', acme],
  ['line separators', '{\u2028"vendor":"Acme",\u2029"total":5}', acme],
  ['form feed', '{\f"vendor":"Acme",\v"total":5}', acme],
  ['js var', 'var x = {vendor: "Acme", total: 5};', acme],
  ['js export default', 'export default { vendor: "Acme", total: 5 }', acme],
  ['jsonp', 'callback({"vendor":"Acme","total":5});', acme],
  ['JSON.parse', `JSON.parse('{"vendor":"Acme","total":5}')`, acme],
  ['print()', 'print({"vendor":"Acme","total":5})', acme],
  ['double braces all', '{{"vendor":"Acme","total":5}}', acme],
  ['boxed', '\\boxed{{"vendor":"Acme","total":5}}', acme],
  ['two drafts, last valid only', '{"vendor":"Acme"}\n{"vendor":"Acme","total":5}', acme],
  ['two: int vs float', '{"vendor":"Acme","total":5}\n{"vendor":"Acme","total":5.0}', acme],
  ['comment with apostrophe', `{"vendor":"Acme", // it's\n"total":5}`, acme],
  ['diff', '+{"vendor":"Acme","total":5}', acme],
  ['escaped whole in prose', 'Here: {\\"vendor\\":\\"Acme\\",\\"total\\":5}', acme],
  ['escaped newlines literal', '{\\n  "vendor": "Acme",\\n  "total": 5\\n}', acme],
  ['trailing comma after root', '{"vendor":"Acme","total":5},', acme],
]

const refused: [string, string][] = [
  ['html entities', '{&quot;vendor&quot;:&quot;Acme&quot;,&quot;total&quot;:5}'],
  ['wrapper properties like schema', '{"type":"object","properties":{"vendor":"Acme","total":5}}'],
  ['list of two', '[{"vendor":"Acme","total":5},{"vendor":"B","total":6}]'],
  ['the schema itself', JSON.stringify(schema)],
  ['ndjson of different', '{"vendor":"Acme","total":5}\n{"vendor":"B","total":6}'],
  ['python hex escape', "{'vendor': 'A\\x41', 'total': 5}"],
  ['python tuple', "{'vendor': 'Acme', 'total': 5, 'lines': ()}"],
  ['python set', "{'vendor', 'Acme'}"],
  ['python call dict()', "dict(vendor='Acme', total=5)"],
  ['pydantic repr', "Invoice(vendor='Acme', total=5)"],
  ['js undefined', '{"vendor":"Acme","total":5,"note":undefined}'],
  ['js NaN', '{"vendor":"Acme","total":NaN}'],
  ['+1', '{"vendor":"Acme","total":+5}'],
  ['.5', '{"vendor":"Acme","total":.5}'],
  ['5.', '{"vendor":"Acme","total":5.}'],
  ['hex', '{"vendor":"Acme","total":0x5}'],
  ['octal', '{"vendor":"Acme","total":05}'],
  ['neg dot', '{"vendor":"Acme","total":-.5}'],
  ['quoted number', '{"vendor":"Acme","total":"5"}'],
  ['comma decimal', '{"vendor":"Acme","total":5,5}'],
  ['apostrophe thousands', '{"vendor":"Acme","total":1\'000}'],
  ['space thousands', '{"vendor":"Acme","total":1 000}'],
  ['nbsp thousands', '{"vendor":"Acme","total":1\u00a0000}'],
  ['bigint suffix', '{"vendor":"Acme","total":5n}'],
  ['arith', '{"vendor":"Acme","total":2+3}'],
  ['minus space', '{"vendor":"Acme","total":- 5}'],
  ['unicode minus', '{"vendor":"Acme","total":−5}'],
  ['fullwidth digits', '{"vendor":"Acme","total":５}'],
  ['big decimal', '{"vendor":"Acme","total":123456789012345678901234567890}'],
  ['tiny', '{"vendor":"Acme","total":1e-400}'],
  ['dup diff', '{"vendor":"Acme","total":5,"vendor":"Bob"}'],
  ['dup null', '{"vendor":"Acme","total":5,"vendor":null}'],
  ['dup -0', '{"vendor":"Acme","total":0,"total":-0}'],
  ['cut str', '{"vendor":"Acme","total":5,"note":"abc'],
  ['cut brace', '{"vendor":"Acme","total":5'],
  ['cut with fence', '```json\n{"vendor":"Acme","total":5\n```'],
  ['cut list then prose', '{"vendor":"Acme","total":5,"lines":[{"sku":"a"},\n... (truncated)'],
  ['ellipsis', '{"vendor":"Acme","total":5,"lines":[{"sku":"a"}, ...]}'],
  ['ellipsis comment', '{"vendor":"Acme","total":5,"lines":[{"sku":"a"} /* ... */]}'],
  ['comment says more items', '{"vendor":"Acme","total":5,"lines":[{"sku":"a"}, // and 20 more\n]}'],
  ['missing closing inner', '{"vendor":"Acme","total":5,"lines":[{"sku":"a"]}'],
  ['missing opening brace', '"vendor":"Acme","total":5}'],
  ['no braces', '"vendor": "Acme", "total": 5'],
  ['yaml', 'vendor: Acme\ntotal: 5'],
  ['toml', 'vendor = "Acme"\ntotal = 5'],
  ['equals', '{"vendor"="Acme","total"=5}'],
  ['arrow', '{"vendor" => "Acme", "total" => 5}'],
  ['semicolons', '{"vendor":"Acme";"total":5}'],
  ['guillemets', '{«vendor»:«Acme»,«total»:5}'],
  ['CJK quotes', '{「vendor」:「Acme」}'],
  ['prime quotes', '{″vendor″:″Acme″,″total″:5}'],
  ['fullwidth quotes', '{＂vendor＂:＂Acme＂,＂total＂:5}'],
  ['unescaped inner quotes', '{"vendor":"Acme "Best" Inc","total":5}'],
  ['backslash newline', '{"vendor":"Ac\\\nme","total":5}'],
  ['bad escape windows path', '{"vendor":"C:\\Users","total":5}'],
  ['latex', '{"vendor":"\\alpha","total":5}'],
  ['soft hyphen', '{\u00ad"vendor":"Acme","total":5}'],
  ['template literal', '{vendor: `Acme ${1}`, total: 5}'],
  ['latex $', '$$\\{"vendor":"Acme","total":5\\}$$'],
  ['key case', '{"Vendor":"Acme","Total":5}'],
  ['key space', '{"vendor ":"Acme","total":5}'],
  ['bare TRUE', '{"vendor":"Acme","total":5,"paid":TRUE}'],
  ['yes', '{"vendor":"Acme","total":5,"paid":yes}'],
  ['nil', '{"vendor":"Acme","total":5,"note":nil}'],
  ['NULL', '{"vendor":"Acme","total":5,"note":NULL}'],
  ['pd.NA', '{"vendor":"Acme","total":5,"note":nan}'],
  ['datetime', "{'vendor': 'Acme', 'total': 5, 'note': datetime.date(2020,1,1)}"],
  ['Decimal', "{'vendor': 'Acme', 'total': Decimal('5')}"],
  ['str concat', '{"vendor":"Ac" + "me","total":5}'],
  ['adjacent strings', "{'vendor': 'Ac' 'me', 'total': 5}"],
  ['b prefix', "{'vendor': b'Acme', 'total': 5}"],
  ['triple quote', `{"vendor":"""Acme""","total":5}`],
  ['html comment', '<!-- {"vendor":"Bob","total":1} -->{"vendor":"Acme","total":5}'],
  ['diff lines', '+ {\n+ "vendor":"Acme",\n+ "total":5\n+ }'],
  ['line numbers', '1: {\n2:   "vendor":"Acme",\n3:   "total":5\n4: }'],
  ['refusal', "I'm sorry, I can't {do} that."],
  ['refusal json', '{"error":"cannot"}'],
  ['empty obj', '{}'],
  ['null', 'null'],
  ['string', '"Acme"'],
  ['corrected', '{"vendor":"Bob","total":5}\nWait, correction:\n{"vendor":"Acme","total":5}'],
  ['example of empty', 'Template: {"vendor":"","total":0}\nAnswer: {"vendor":"Acme","total":5}'],
  ['base64', Buffer.from('{"vendor":"Acme","total":5}').toString('base64')],
  ['key w/ newline', '{"ven\ndor":"Acme","total":5}'],
  ['__proto__', '{"vendor":"Acme","total":5,"__proto__":{"x":1}}'],
]

describe('an answer has one meaning, and is read:', () => {
  test.each(readable)('%s', async (_, answer, data) => {
    expect(await check(answer)).toMatchObject({ type: 'valid', data })
    // Nothing is added and nothing is lost.
    expect(JSON.stringify(await check(answer))).toContain(JSON.stringify(data))
  })
})

describe('an answer could mean something else, and is refused:', () => {
  test.each(refused)('%s', async (_, answer) => {
    expect(await check(answer)).toEqual({ type: 'invalid', errors: expect.arrayContaining([expect.any(String)]) })
  })
})

describe('an envelope around the answer', () => {
  test('is not opened where the schema has a property of that name', async () => {
    const tree = {
      type: 'object',
      properties: { name: { type: 'string' }, data: { $ref: '#' } },
      required: ['name'],
    }
    expect(await check('{"data":{"name":"leaf"}}', tree)).toMatchObject({ type: 'invalid' })
  })

  test('is not opened where its content is one of several properties', async () => {
    expect(await check('{"data":{"vendor":"Acme","total":5},"error":"half of the pages are missing"}')).toMatchObject({
      type: 'invalid',
    })
  })

  test('leaves the errors of the whole answer where its content is not valid either', async () => {
    expect(await check('{"answer":{"vendor":"Acme"}}')).toEqual({
      type: 'invalid',
      errors: expect.arrayContaining(['/: must have the property "vendor"']),
    })
  })
})

test('the schema itself is not an answer, even where it requires nothing', async () => {
  const open = { type: 'object', properties: { name: { type: 'string' } } }
  expect(await check(JSON.stringify(open), open)).toMatchObject({
    type: 'invalid',
    errors: [expect.stringContaining('is the schema itself')],
  })
  expect(await check(`${JSON.stringify(open)}\n{"name":"Ada"}`, open)).toMatchObject({ data: { name: 'Ada' } })
})
