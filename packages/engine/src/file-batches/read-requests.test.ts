import { laneConfig } from '@sluice/contract/lane'
import { expect, test } from 'vitest'
import { createModels } from './models.ts'
import { readRequests } from './read-requests.ts'

const models = createModels({
  default: laneConfig.parse({ model: 'small' }),
  fast: laneConfig.parse({ model: 'quick', models: { 'gpt-4.1-mini': 'mistral-small' } }),
})

async function read(text: string, endpoint: '/v1/chat/completions' | '/v1/embeddings' = '/v1/embeddings', chunk = 7) {
  async function* chunks() {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  const reading = readRequests(chunks(), { endpoint, models })
  const items: { id: string; text: string }[] = []
  for await (const item of reading.items) items.push(item)
  return { items, errors: reading.errors, place: reading.place(), count: reading.count() }
}

const line = (body: string, id = 'a') => `{"custom_id":"${id}","url":"/v1/embeddings","body":${body},"method":"POST"}`

test('a body is taken byte for byte, wherever its line is cut', async () => {
  const body = '{ "input" : [12345678901234567890, 1.0e2], "model":"small" ,"ü":"\\u00fc" }'
  for (const chunk of [1, 3, 64, 1_000]) {
    const { items } = await read(`${line(body)}\r\n\n${line(body, 'b')}`, '/v1/embeddings', chunk)
    expect(items).toEqual([
      { id: 'a', text: body },
      { id: 'b', text: body },
    ])
  }
})

test.each([
  ['small', 'default', 'small'],
  ['quick', 'fast', 'quick'],
  ['fast/quick', 'fast', 'quick'],
  ['gpt-4.1-mini', 'fast', 'mistral-small'],
  ['fast/gpt-4.1-mini', 'fast', 'mistral-small'],
])('the model %s is on the lane %s, as %s', async (named, lane, model) => {
  const { items, place } = await read(line(`{"a": 1,"model":"${named}", "input":"x"}`))
  expect(place).toEqual({ named, lane, model })
  expect(items[0]?.text).toBe(`{"a": 1,"model":"${model}", "input":"x"}`)
})

test('a model that no lane has is an error, also with the name of a lane or of a member of every object', async () => {
  for (const named of ['gpt-0', 'fast/small', 'nowhere/small', 'constructor', 'fast/__proto__']) {
    const { items, errors } = await read(line(`{"model":"${named}","input":"x"}`))
    expect(items).toEqual([])
    expect(errors).toMatchObject([{ code: 'model_not_found', param: 'body.model', line: 1 }])
  }
})

test('no item comes after the first bad line, but all lines are checked', async () => {
  const good = (id: string) => line('{"model":"small","input":"x"}', id)
  const { items, errors, count } = await read([good('a'), 'x', good('b'), '{}', good('a')].join('\n'))
  expect(items.map(({ id }) => id)).toEqual(['a'])
  expect(errors.map(({ line: number, code }) => [number, code])).toEqual([
    [2, 'invalid_json_line'],
    [4, 'missing_required_parameter'],
    [5, 'duplicate_custom_id'],
  ])
  expect(count).toBe(5)
})

test('a file shows at most 1,000 errors, and one of blank lines is empty', async () => {
  expect((await read('x\n'.repeat(1_500), '/v1/embeddings', 10_000)).errors).toHaveLength(1_000)
  expect((await read('\n \n\r\n')).errors).toMatchObject([{ code: 'empty_file', line: null }])
})

test('inputs of embeddings count each, over all lines', async () => {
  const many = JSON.stringify(Array.from({ length: 30_000 }, () => 'x'))
  const { errors } = await read(
    [line(`{"model":"small","input":${many}}`), line(`{"model":"small","input":${many}}`, 'b')].join('\n'),
    '/v1/embeddings',
    100_000,
  )
  expect(errors).toMatchObject([{ code: 'too_many_tasks' }])
})
