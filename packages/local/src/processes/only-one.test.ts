import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { becomeOnlyOne } from './only-one.ts'

async function lockPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return join(directory, 'start.sock')
}

test('a second one is refused until the first has gone', async () => {
  const path = await lockPath()
  const first = await becomeOnlyOne(path)
  await expect(becomeOnlyOne(path)).rejects.toThrow(/^Sluice is already started from this directory/)
  await first[Symbol.asyncDispose]()
  await using second = await becomeOnlyOne(path)
  expect(second).toBeDefined()
})

test('the lock of one that was killed is no hindrance', async () => {
  const path = await lockPath()
  const module = new URL('only-one.ts', import.meta.url).href
  const program = `await (await import(${JSON.stringify(module)})).becomeOnlyOne(${JSON.stringify(path)}); console.log('locked')`
  const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(other.stdout, 'data')
  await expect(becomeOnlyOne(path)).rejects.toThrow('already started')
  other.kill('SIGKILL')
  await once(other, 'exit')
  await using lock = await becomeOnlyOne(path)
  expect(lock).toBeDefined()
})
