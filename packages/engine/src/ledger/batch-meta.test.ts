import { batchOptions } from '@sluice/contract/batch'
import { exampleOption } from '@sluice/contract/option-example'
import { expect, test } from 'vitest'
import { newBatchMeta, packBatchMeta, parseBatchMeta, selectFields } from './batch-meta.ts'

const extractor = {
  object: 'extractor',
  name: 'person',
  version: 3,
  schema: {},
  instructions: '',
  lane: 'fast',
  parameters: {},
  reasks: 2,
  created_at: 0,
} as const
const options = batchOptions.parse({
  concurrency: 4,
  priority: 20,
  max_cost_usd: 1.5,
  deadlines: { call_s: 2, wait_s: 60 },
  deduplicate: true,
  cache_s: 0.5,
  metadata: { mine: ['ä', null] },
})

test('what is packed is parsed as it was', () => {
  const fields = {
    ...newBatchMeta(extractor, options),
    created_at: 1_700_000_000_123,
    skipped: { count: 1, first: [] },
  }
  expect(parseBatchMeta(packBatchMeta(fields))).toMatchObject(fields)
})

test.each(Object.entries(batchOptions.shape))('the option %s is stored', (name, schema) => {
  const packed = (given: object) => packBatchMeta(newBatchMeta(extractor, batchOptions.parse(given)))
  const value = exampleOption(schema)
  const without = packed({})
  const changed = Object.entries(packed({ [name]: value })).filter(
    ([field, stored]) => stored !== (without[field] ?? ''),
  )
  expect(changed).toHaveLength(1)
})

test('a field that was never written has the value that its type gives it', () => {
  const meta = parseBatchMeta({ status: 'in_progress' })
  expect(meta).toMatchObject({ calls: 0, pause_reason: '', concurrency: null, finished_at: null, deduplicate: false })
  expect(meta).toMatchObject({ metadata: {}, skipped: null, extractor: null })
})

test('a batch that does not exist is null, in whole and in part', () => {
  expect(parseBatchMeta({})).toBeNull()
  // A write after its removal may have left a field.
  expect(parseBatchMeta({ rate_p50: '1' })).toBeNull()
  const { names, parse } = selectFields('total', 'lane')
  expect(names).toEqual(['status', 'total', 'lane'])
  expect(parse([null, '3', 'fast'])).toBeNull()
  expect(parse(['paused', '3', null])).toEqual({ status: 'paused', total: 3, lane: '' })
})
