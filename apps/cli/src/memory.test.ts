import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMemory } from './memory.ts'
import { requireOwnOutput } from './sink.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-memory-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

test('another process finds the batch that an input became', async () => {
  const run = { idempotency_key: 'key', options: { concurrency: 2 }, batch_id: null }
  await createMemory(join(directory, 'state')).rememberRun('abc', run)
  const memory = createMemory(join(directory, 'state'))
  expect(await memory.run('abc')).toEqual(run)
  await memory.rememberRun('abc', { ...run, batch_id: 'batch_1' })
  expect(await memory.run('abc')).toEqual({ ...run, batch_id: 'batch_1' })
  expect(await memory.run('abd')).toBeUndefined()
})

test('a folder that cannot be written is an error, because the input would be paid for twice', async () => {
  const file = join(directory, 'file')
  await writeFile(file, '')
  const memory = createMemory(file)
  expect(await memory.run('abc')).toBeUndefined()
  await expect(memory.rememberOutput('out.jsonl', 'batch_1')).rejects.toThrow('Set XDG_STATE_HOME')
})

test('a results file is overwritten only by its own batch, or with --overwrite', async () => {
  const memory = createMemory(directory)
  const out = join(directory, 'out.jsonl')
  const check = (batchId: string | undefined, overwrite = false) =>
    requireOwnOutput(out, { memory, batchId, overwrite })
  await check(undefined)
  await writeFile(out, 'precious\n')
  await expect(check(undefined)).rejects.toThrow('already exists and is not from this batch')
  await memory.rememberOutput(out, 'batch_1')
  await expect(check('batch_2')).rejects.toThrow('already exists')
  await check('batch_1')
  await check('batch_2', true)
})
