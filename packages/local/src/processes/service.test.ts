import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startService, type ServiceOptions } from './service.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-service-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

const never = new AbortController().signal

/** A service that is ready when its log contains `ready`. */
function service(script: string, options: Partial<ServiceOptions> = {}): ServiceOptions {
  const logFile = join(directory, 'log')
  return {
    name: 'The service',
    program: { type: 'other', path: 'sh', args: ['-c', script] },
    env: process.env,
    logFile,
    untilReady: async (signal) => {
      while (!(await readFile(logFile, 'utf8')).includes('ready')) await sleep(10, undefined, { signal })
    },
    readyWithinMs: 10_000,
    stopWithinMs: 5_000,
    ...options,
  }
}

test('a service that ends while it starts is rejected with the reason from its log', async () => {
  const starting = startService(service('echo "sluice: no such model"; echo more; exit 1'), () => {}, {
    signal: never,
    hurry: never,
  })
  await expect(starting).rejects.toThrow(/^The service stopped while it was starting: no such model \(full log: /)
})

test('a service that is not ready in time is rejected, and killed', async () => {
  const starting = startService(service('echo $$; exec sleep 60', { readyWithinMs: 300 }), () => {}, {
    signal: never,
    hurry: never,
  })
  await expect(starting).rejects.toThrow(/^The service was not ready within 0.3 s/)
  const pid = Number.parseInt(await readFile(join(directory, 'log'), 'utf8'), 10)
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

test('a service that ends is reported and started again; stopping sends SIGTERM before SIGKILL', async () => {
  const said: string[] = []
  const trap = `trap 'echo asked >>${directory}/asked; exit 0' TERM; echo run >>${directory}/runs; echo ready; while :; do sleep 0.05; done`
  await writeFile(join(directory, 'runs'), '')
  const started = await startService(service(`echo $$ >${directory}/pid; ${trap}`), (line) => said.push(line), {
    signal: never,
    hurry: never,
  })
  const runs = async (): Promise<number> => (await readFile(join(directory, 'runs'), 'utf8')).split('run').length - 1
  await expect.poll(runs, { timeout: 30_000 }).toBe(1)
  process.kill(Number(await readFile(join(directory, 'pid'), 'utf8')), 'SIGKILL')
  await expect.poll(runs, { timeout: 30_000 }).toBe(2)
  expect(said).toEqual([expect.stringMatching(/^The service stopped unexpectedly .*; starting it again in 0.5 s\.$/)])

  await started[Symbol.asyncDispose]()
  expect(await readFile(join(directory, 'asked'), 'utf8')).toBe('asked\n')
})
