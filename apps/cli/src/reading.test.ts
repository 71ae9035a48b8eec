import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createScreen } from '@sluice/terminal/screen'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openReading, type ReadingOptions } from './reading.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-reading-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

const screen = createScreen(process.stderr, 'dumb')

async function open(content: string, options: Partial<ReadingOptions> = {}, signal = new AbortController().signal) {
  const path = join(directory, 'people.jsonl')
  await writeFile(path, content)
  return {
    path,
    reading: await openReading(path, { encoding: 'utf-8', onInvalid: 'stop', ...options }, { screen, signal }),
  }
}
async function itemsOf(reading: Awaited<ReturnType<typeof openReading>>) {
  if (reading.type !== 'items') throw new Error(`${reading.name} has no items that are read here.`)
  return Array.fromAsync(reading.items())
}
const digestOf = async (...args: Parameters<typeof open>) => (await open(...args)).reading.check()

test('the digest depends on the content and on the reading options', async () => {
  const line = '{"text":"Ann","bio":"Bob"}\n'
  const digest = await digestOf(line)
  expect(await digestOf(line)).toBe(digest)
  expect(await digestOf(line.replace('Ann', 'Cy'))).not.toBe(digest)
  expect(await digestOf(line, { column: 'bio' })).not.toBe(digest)
  expect(await digestOf(line, { onInvalid: 'skip' })).not.toBe(digest)
})

test('an input that has changed since it was checked is rejected at its end', async () => {
  const { path, reading } = await open('"Ann"\n')
  await reading.check()
  expect(await itemsOf(reading)).toEqual(['Ann'])
  await appendFile(path, '"Bob"\n')
  await expect(itemsOf(reading)).rejects.toThrow('people.jsonl changed while it was read.')
})

test('skipped lines are counted once, with the first few positions', async () => {
  const { reading } = await open(`"Ann"\n${'{oops\n'.repeat(7)}`, { onInvalid: 'skip' })
  await reading.check()
  await itemsOf(reading)
  expect(reading.skipped.count).toBe(7)
  expect(reading.skipped.first).toHaveLength(5)
  expect(reading.skipped.first[0]).toMatch(/^people\.jsonl line 2: /)
})

test('an input without items is rejected, and an abort ends the reading', async () => {
  await expect(digestOf('\n\n')).rejects.toThrow('people.jsonl contains no items.')
  const reason = new Error('enough')
  await expect(digestOf('"Ann"\n', {}, AbortSignal.abort(reason))).rejects.toBe(reason)
})
