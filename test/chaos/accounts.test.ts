import type { Batch } from '@sluice/contract/batch'
import type { FailureGroupList } from '@sluice/contract/batch-item'
import type { Result } from '@sluice/contract/result'
import { failureGroup } from '@sluice/engine/ledger/failure-group'
import { expect, test } from 'vitest'
import { brokenAccounts } from './accounts.ts'

const error = { type: 'refused', message: 'The model refused: no.' } as const
const usage = { input_tokens: 10, output_tokens: 5 }
const results = [
  { index: 0, status: 'succeeded', attempts: 1, usage },
  { index: 1, status: 'failed', attempts: 3, usage, error },
] as Result[]
const batch = {
  counts: { failed: 1 },
  usage: { input_tokens: 20, output_tokens: 10, calls: 4 },
  cost_usd: 60e-6,
} as Batch
const sample = { index: 1, id: '1', message: error.message }
const groups = {
  data: [{ ...failureGroup(error), count: 1, sample }],
  other_count: 0,
} as unknown as FailureGroupList

test('accounts that agree with the results are right', () => {
  expect(brokenAccounts(batch, results, groups)).toEqual([])
})

const [group] = groups.data
const wrong: [string, Batch, FailureGroupList][] = [
  ['a failure counted twice in its group', batch, { ...groups, data: [{ ...group!, count: 2 }] }],
  ['a failure in no group', batch, { ...groups, data: [] }],
  ['a failure counted in no group and in its own', batch, { ...groups, other_count: 1 }],
  ['a sample that is not of its group', batch, { ...groups, data: [{ ...group!, sample: { ...sample, index: 0 } }] }],
  ['a cost that is not that of the tokens', { ...batch, cost_usd: 61e-6 }, groups],
  [
    'fewer tokens than the results have',
    { ...batch, usage: { ...batch.usage, input_tokens: 19 }, cost_usd: 59e-6 },
    groups,
  ],
  ['fewer paid calls than results', { ...batch, usage: { ...batch.usage, calls: 1 } }, groups],
]
test.each(wrong)('%s is a broken promise', (_, ofBatch, ofGroups) => {
  expect(brokenAccounts(ofBatch, results, ofGroups)).not.toEqual([])
})
