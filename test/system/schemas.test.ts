import { expect, test } from 'vitest'
import { startScriptedProvider } from '../support/scripted-provider.ts'
import { startSystem } from '../support/system.ts'

test('a schema of an old draft with a list at its root is accepted with warnings, goes to the provider as an object, and gives a list', async () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-04/schema#',
    type: 'array',
    items: { $ref: '#/definitions/part number' },
    definitions: {
      'part number': {
        type: 'object',
        properties: {
          id: { type: 'string', pattern: '^(?!0)[0-9]+$', format: 'part-number' },
          count: { type: 'integer', minimum: 0, exclusiveMinimum: true },
        },
        required: ['id', 'count'],
        additionalProperties: false,
      },
    },
  }
  await using provider = await startScriptedProvider([
    { match: 'wrong', answer: '{"value":[{"id":"017","count":0}]}' },
    { match: 'right', answer: '{"value":[{"id":"17","count":2}]}' },
  ])
  const system = await startSystem({ env: { OPENAI_BASE_URL: provider.url } })
  await system.worker()
  const stored = await system.request('POST', '/v1/extractors', { name: 'parts', schema, reasks: 0 })
  expect(stored).toMatchObject({
    status: 201,
    body: {
      schema,
      warnings: [
        "schema: at '#/definitions/part number/properties/id/format': the format 'part-number' is not known: it is not checked",
      ],
      wire: { wrapped: true },
    },
  })
  const { id } = await system.submit(['right', 'wrong'], { extractor: 'parts' })
  const [right, wrong] = await system.results(id)
  expect(right).toMatchObject({ status: 'succeeded', data: [{ id: '17', count: 2 }] })
  expect(wrong).toMatchObject({ status: 'failed', error: { type: 'invalid_output' } })
  expect(wrong?.error?.message).toMatch(/\/0\/id: must match pattern.*\/0\/count: must be > 0/s)
})
