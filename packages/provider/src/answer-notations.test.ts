import { describe, expect, test } from 'vitest'
import { checkAnswer } from './check-answer.ts'
import { acme, schema } from './invoice.test-support.ts'

const A = JSON.stringify(acme)

const check = (answer: string) =>
  checkAnswer(answer, schema, { form: { addedNulls: false, wrapped: false }, refine: undefined })

const readable: [name: string, answer: string, data: unknown][] = [
  [
    'cohere think',
    '<|START_THINKING|>{"vendor":"Bob","total":1}<|END_THINKING|><|START_RESPONSE|>' + A + '<|END_RESPONSE|>',
    acme,
  ],
  ['bedrock', '{"toolUse":{"toolUseId":"x","name":"e","input":' + A + '}}', acme],
  [
    'openai message',
    '{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5}"}}]}',
    acme,
  ],
  ['2^64', '{"vendor":"Acme","total":18446744073709551616}', { vendor: 'Acme', total: 2 ** 64 }],
  ['2^64.0', '{"vendor":"Acme","total":18446744073709551616.000}', { vendor: 'Acme', total: 2 ** 64 }],
  [
    'anthropic tool_use',
    '{"type":"tool_use","id":"toolu_1","name":"extract","input":{"vendor":"Acme","total":5}}',
    acme,
  ],
  ['gemini functionCall', '{"functionCall":{"name":"extract","args":{"vendor":"Acme","total":5}}}', acme],
  ['gemini args', '{"name":"extract","args":{"vendor":"Acme","total":5}}', acme],
  [
    'openai tool_calls',
    '{"tool_calls":[{"id":"c","type":"function","function":{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5}"}}]}',
    acme,
  ],
  [
    'function_call legacy',
    '{"function_call":{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5}"}}',
    acme,
  ],
  ['llama python_tag', '<|python_tag|>{"name":"extract","parameters":{"vendor":"Acme","total":5}}', acme],
  ['mistral TOOL_CALLS', '[TOOL_CALLS][{"name":"extract","arguments":{"vendor":"Acme","total":5}}]', acme],
  ['mistral TOOL_CALLS v3', '[TOOL_CALLS]extract{"vendor":"Acme","total":5}', acme],
  ['llama func tag', '<function=extract>{"vendor":"Acme","total":5}</function>', acme],
  ['cohere action', 'Action: ```json\n[{"tool_name":"extract","parameters":{"vendor":"Acme","total":5}}]\n```', acme],
  ['html entity in value', '{"vendor":"A &amp; B","total":5}', { vendor: 'A &amp; B', total: 5 }],
  ['backtick quoted inline', 'The answer is `{"vendor":"Acme","total":5}`.', acme],
  ['json5 fence', '```json5\n{vendor: "Acme", total: 5,}\n```', acme],
  ['jsonc fence', '```jsonc\n// invoice\n{"vendor":"Acme","total":5}\n```', acme],
  ['fence with title', '```json title="result.json"\n{"vendor":"Acme","total":5}\n```', acme],
  ['nested fence md', '```markdown\n```json\n{"vendor":"Acme","total":5}\n```\n```', acme],
  ['JSON capital fence', '```JSON\n{"vendor":"Acme","total":5}\n```', acme],
  ['CRLF fence', '```json\r\n{"vendor":"Acme","total":5}\r\n```\r\n', acme],
  [
    'fence then explanation with braces',
    '```json\n{"vendor":"Acme","total":5}\n```\nNote: {vendor} is the seller; total is in {EUR}.',
    acme,
  ],
  [
    'explanation has invalid JSON before',
    'The format is {"vendor": string, "total": number}.\n{"vendor":"Acme","total":5}',
    acme,
  ],
  ['assistant: prefix', 'assistant: {"vendor":"Acme","total":5}', acme],
  ['trailing dot', A + '.', acme],
  ['trailing semicolon', A + ';', acme],
  ['footnote', '{"vendor":"Acme","total":5} [1]\n\n[1] page 2', acme],
  ['citation', '{"vendor":"Acme","total":5}【4:0†source】', acme],
  ['markdown link', 'See [the invoice](http://x.y/{id}): {"vendor":"Acme","total":5}', acme],
  ['number in brackets list first', 'As [5] says: {"vendor":"Acme","total":5}', acme],
  ['1e23', '{"vendor":"Acme","total":1e23}', { vendor: 'Acme', total: 1e23 }],
  ['1E+2', '{"vendor":"Acme","total":1E+2}', { vendor: 'Acme', total: 100 }],
  ['-0.0', '{"vendor":"Acme","total":-0.0}', { vendor: 'Acme', total: -0 }],
  ['unicode escapes keys', '{"\\u0076endor":"Acme","total":5}', acme],
  [
    'think + fence in think',
    '<think>\n```json\n{"vendor":"Bob","total":1}\n```\n</think>\n```json\n{"vendor":"Acme","total":5}\n```',
    acme,
  ],
  ['answer tag in think', '<think>x</think><answer>\n{"vendor":"Acme","total":5}\n</answer>', acme],
  ['reasoning tag deepseek bare close', 'I think Bob {"vendor":"Bob","total":1}</think>' + A, acme],
  ['<|thinking|>', '<|begin_of_thought|>{"vendor":"Bob","total":1}<|end_of_thought|>' + A, acme],
  ['concatenated fences same', '```json\n' + A + '\n```\n```json\n' + A + '\n```', acme],
  ['array wrapper of envelope', '[{"data":{"vendor":"Acme","total":5}}]', acme],
  ['tool string trailing comma', '{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5,}"}', acme],
  ['utf16 BOM char mid', '\ufffe{"vendor":"Acme","total":5}', acme],
  ['spoken ellipsis value', '{"vendor":"Acme","total":5,"note":"..."}', { ...acme, note: '...' }],
  ['// url comment in unquoted', '{"vendor":"Acme","total":5} // from http://x', acme],
  ['python f-string none', "{'vendor': 'Acme', 'total': 5, 'note': 'None'}", { ...acme, note: 'None' }],
  ['comment block commented-out key', '{"vendor":"Acme", /* "vendor":"Bob", */ "total":5}', acme],
  ['# in value bare', '{"vendor":"Acme" # seller\n,"total":5}', acme],
  ['quoted whole with single', `'{"vendor":"Acme","total":5}'`, acme],
  ['quoted with triple', `"""{"vendor":"Acme","total":5}"""`, acme],
  ['python json.dumps', `json.dumps({"vendor": "Acme", "total": 5})`, acme],
  ['function return', 'def f():\n    return {"vendor": "Acme", "total": 5}', acme],
  ['curl', `curl -d '{"vendor":"Acme","total":5}' http://x`, acme],
  ['envelope error null', '{"error":null,"data":{"vendor":"Acme","total":5}}', acme],
]

/** Each of them has two meanings, lacks a part, or has a value of another type: none is guessed at, and no type is coerced. */
const refused: [name: string, answer: string][] = [
  ['1.0..1', '{"vendor":"A","total":1.00000000000000000001}'],
  [
    'anthropic content list',
    '{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"extract","input":{"vendor":"Acme","total":5}}]}',
  ],
  [
    'qwen xml',
    '<function=extract>\n<parameter=vendor>\nAcme\n</parameter>\n<parameter=total>\n5\n</parameter>\n</function>',
  ],
  [
    'two calls',
    '{"name":"extract","arguments":{"vendor":"Acme","total":5}}\n{"name":"extract","arguments":{"vendor":"Bob","total":5}}',
  ],
  [
    'two calls in list',
    '[{"name":"extract","arguments":{"vendor":"Acme","total":5}},{"name":"extract","arguments":{"vendor":"Bob","total":6}}]',
  ],
  ['null tool calls', '{"content":null,"tool_calls":null}'],
  ['html entity quotes numeric', '{&#34;vendor&#34;:&#34;Acme&#34;,&#34;total&#34;:5}'],
  [
    'explanation has invalid JSON after',
    '{"vendor":"Acme","total":5}\nThe format {"vendor": string, "total": number} was used.',
  ],
  ['total as string w currency', '{"vendor":"Acme","total":"5.00 EUR"}'],
  ['total null', '{"vendor":"Acme","total":null}'],
  ['bool string', '{"vendor":"Acme","total":5,"paid":"true"}'],
  ['bool 1', '{"vendor":"Acme","total":5,"paid":1}'],
  ['qty 1.5', '{"vendor":"Acme","total":5,"lines":[{"sku":"a","qty":1.5}]}'],
  ['qty "1"', '{"vendor":"Acme","total":5,"lines":[{"sku":"a","qty":"1"}]}'],
  ['lines obj not array', '{"vendor":"Acme","total":5,"lines":{"sku":"a"}}'],
  ['lines string JSON', '{"vendor":"Acme","total":5,"lines":"[{\\"sku\\":\\"a\\"}]"}'],
  ['vendor number', '{"vendor":5,"total":5}'],
  ['extra key', '{"vendor":"Acme","total":5,"confidence":0.9}'],
  ['big float int', '{"vendor":"Acme","total":12345678901234567890.0}'],
  ['big exp int', '{"vendor":"Acme","total":9007199254740993e0}'],
  ['big with frac', '{"vendor":"Acme","total":9007199254740993.5}'],
  ['big in python', "{'vendor': 'Acme', 'total': 12345678901234567890}"],
  ['Infinity', '{"vendor":"Acme","total":Infinity}'],
  ['trunc mid key', '{"vendor":"Acme","tot'],
  ['trunc inside think', '<think>hmm'],
  ['trunc in escape', '{"vendor":"Acme","total":5,"note":"a\\'],
  [
    'trunc then closing fence + prose',
    '```json\n{"vendor":"Acme","total":5,"lines":[{"sku":"a"},{"sku":\n```\n(continued)',
  ],
  ['trunc number is complete looking', '[{"vendor":"Acme","total":5},{"vendor":"Bob","total":'],
  ['u{...} escape', '{"vendor":"\\u{41}cme","total":5}'],
  ['\\x41', '{"vendor":"\\x41cme","total":5}'],
  ['\\0', '{"vendor":"A\\0","total":5}'],
  ['\\$', '{"vendor":"A\\$","total":5}'],
  ['\\_ markdown', '{"vendor":"A\\_B","total":5}'],
  ['\\v', '{"vendor":"A\\vB","total":5}'],
  ['markdown table', '| vendor | total |\n|---|---|\n| Acme | 5 |'],
  ['<reason>', '<reason>{"vendor":"Bob","total":1}</reason>' + A],
  ['<analysis>', '<analysis>{"vendor":"Bob","total":1}</analysis>' + A],
  ['<plan>', '<plan>{"vendor":"Bob","total":1}</plan>' + A],
  ['gemma thought channel', '<|channel>thought\n{"vendor":"Bob","total":1}<channel|>' + A],
  ['refusal prose', "I'm sorry, but I can't help with that."],
  ['refusal json obj', '{"refusal":"I cannot help"}'],
  ['apology then json of empty', "I couldn't find: {}"],
  ['value wrapper named invoice', '{"invoice":{"vendor":"Acme","total":5}}'],
  ['properties wrapper', '{"properties":{"vendor":"Acme","total":5}}'],
  ['schema keys w/ value', '{"vendor":{"type":"string","value":"Acme"},"total":{"type":"number","value":5}}'],
  ['JSON Patch', '[{"op":"add","path":"/vendor","value":"Acme"}]'],
  ['JSON lines of fields', '{"vendor":"Acme"}\n{"total":5}'],
  ['comma between objects', '{"vendor":"Acme","total":5},\n{"vendor":"Bob","total":5}'],
  ['two equal in list', '[{"vendor":"Acme","total":5},{"vendor":"Acme","total":5}]'],
  ['dup nested', '{"vendor":"Acme","total":5,"lines":[{"sku":"a","sku":"b"}]}'],
  ['dup in envelope', '{"data":{"vendor":"Acme","total":5,"total":6}}'],
  ['dup in tool string', '{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5,\\"total\\":6}"}'],
  ['big in tool string', '{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":12345678901234567890}"}'],
  ['dup in double encoded', JSON.stringify('{"vendor":"Acme","total":5,"total":6}')],
  [
    'proto in tool string',
    '{"name":"x","arguments":"{\\"vendor\\":\\"Acme\\",\\"total\\":5,\\"__proto__\\":{\\"x\\":1}}"}',
  ],
  ['html br', '{"vendor":"Acme",<br>"total":5}'],
  ['nbsp entity', '{"vendor":"Acme",&nbsp;"total":5}'],
  ['python u prefix', "{u'vendor': u'Acme', u'total': 5}"],
  ['python trailing L', "{'vendor':'Acme','total':5L}"],
  ['ruby symbols', '{:vendor=>"Acme", :total=>5}'],
  ['ruby new', '{vendor: "Acme", total: 5, note: nil}'],
  ['perl', "{'vendor' => 'Acme'}"],
  ['ini', '[invoice]\nvendor=Acme\ntotal=5'],
  ['[] only', '[]'],
  ['true', 'true'],
  ['string answer with quotes', '"Acme" 5'],
  ['strikethrough', '~~{"vendor":"Bob","total":1}~~ {"vendor":"Acme","total":5}'],
  ['-- sql comment', '{"vendor":"Acme", -- seller\n"total":5}'],
  ['<!-- in object', '{"vendor":"Acme", <!-- x --> "total":5}'],
  ['semi-colon end within', '{"vendor":"Acme","total":5;}'],
  ['colon twice', '{"vendor"::"Acme","total":5}'],
  ['assigned twice', 'result = {"vendor":"Bob","total":1}\nresult = {"vendor":"Acme","total":5}'],
  ['envelope success', '{"success":true,"data":{"vendor":"Acme","total":5}}'],
  ['envelope status', '{"status":"ok","result":{"vendor":"Acme","total":5}}'],
]

describe('an answer in the notation of a provider or a language is read:', () => {
  test.each(readable)('%s', async (_, answer, data) => {
    const checked = await check(answer)
    expect(checked).toMatchObject({ type: 'valid' })
    expect(checked.type === 'valid' && checked.data).toEqual(data)
  })
})

describe('an answer that could mean something else, or says something else, is refused:', () => {
  test.each(refused)('%s', async (_, answer) => {
    expect(await check(answer)).toEqual({ type: 'invalid', errors: expect.arrayContaining([expect.any(String)]) })
  })
})
