import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockStart } from './start-lock.ts'

async function lockPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return join(directory, 'start.sock')
}

test('a second start is rejected until the first has ended', async () => {
  const path = await lockPath()
  const first = await lockStart(path)
  await expect(lockStart(path)).rejects.toThrow(/^Sluice is already running from this directory/)
  await first[Symbol.asyncDispose]()
  await using second = await lockStart(path)
  expect(second).toBeDefined()
})

test('the lock of a start that was killed does not block the next one', async () => {
  const path = await lockPath()
  const module = new URL('start-lock.ts', import.meta.url).href
  const program = `await (await import(${JSON.stringify(module)})).lockStart(${JSON.stringify(path)}); console.log('locked')`
  const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(other.stdout, 'data')
  await expect(lockStart(path)).rejects.toThrow('already running')
  other.kill('SIGKILL')
  await once(other, 'exit')
  await using lock = await lockStart(path)
  expect(lock).toBeDefined()
})
