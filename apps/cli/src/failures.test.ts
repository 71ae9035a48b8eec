import type { ItemResult } from '@sluice/client'
import type { FailureType } from '@sluice/contract/result'
import { expect, test } from 'vitest'
import { createFailures } from './failures.ts'
import { shellLine } from './cli.ts'

const base = { attempts: 1, cursor: 'c0' }
const succeeded = (index: number): ItemResult<unknown> => ({
  ...base,
  index,
  id: String(index),
  status: 'succeeded',
  data: {},
})
const failed = (index: number, type: FailureType): ItemResult<unknown> => ({
  ...base,
  index,
  id: String(index),
  status: 'failed',
  error: { type, message: 'no' },
})

test('failures are counted by their type, the most frequent first', () => {
  const failures = createFailures()
  for (const one of [succeeded(0), failed(1, 'refused'), failed(2, 'unavailable'), failed(3, 'unavailable')])
    failures.see(one)
  expect([failures.count, failures.byType(), failures.haveChanged]).toEqual([3, '2 unavailable, 1 refused', false])
})

test('an item that was retried meanwhile no longer counts as failed', () => {
  const failures = createFailures()
  failures.see(failed(1, 'refused'))
  failures.see(succeeded(1))
  expect([failures.count, failures.haveChanged]).toEqual([0, true])
  failures.forget()
  expect(failures.haveChanged).toBe(false)
})

test('a suggested command can be pasted into a shell', () => {
  expect(shellLine('pnpm sluice', ['attach', 'batch_1', '--out', "Ann's out.jsonl"])).toBe(
    `pnpm sluice attach batch_1 --out 'Ann'\\''s out.jsonl'`,
  )
})
