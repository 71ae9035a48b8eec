import { expect, test } from 'vitest'
import { batchOptions, liveOptions, patchBatch, uploadQuery } from './batch.ts'
import { exampleOption } from './option-example.ts'
import { parse } from './parse.ts'
import { routes } from './routes.ts'

const options = Object.entries(batchOptions.shape)

test.each(options)('the option %s of an upload is read from its query', (name, schema) => {
  const value = exampleOption(schema)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  expect(parse(uploadQuery, { [name]: text })).toEqual({ [name]: value, on_invalid: 'stop' })
})

test.each([
  ['concurrency', 'many'],
  ['deduplicate', 'yes'],
  ['deadlines', '{'],
  ['deadlines', '{"call_s":"2"}'],
])('the query parameter %s=%s is rejected by its name', (name, text) => {
  expect(() => parse(uploadQuery, { [name]: text })).toThrow(new RegExp(`^${name}`))
})

test('an option that is left out of the query has no value, so that the default is set in one place', () => {
  expect(parse(uploadQuery, {})).toEqual({ on_invalid: 'stop' })
})

test('every option that can change is named by the message for an empty patch and by the documentation', () => {
  expect(Object.keys(patchBatch.shape)).toEqual([...liveOptions])
  expect(() => parse(patchBatch, {})).toThrow('Give at least one of `concurrency`, `priority`, or `max_cost_usd`.')
  for (const name of liveOptions) expect(routes.patchBatch.summary).toContain(`\`${name}\``)
})
