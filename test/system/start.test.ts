import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { inherited } from '@sluice/local/processes/app-process'
import { findFreePort } from '@sluice/local/processes/ports'

const root = resolve(import.meta.dirname, '../..')
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-start-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

interface Started {
  readonly child: ChildProcess
  readonly url: string
  output(): string
  /** Resolves when it has printed `text`. */
  says(text: string | RegExp): Promise<void>
  /** Sends a signal and resolves to the exit code, null when the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** `pnpm start` as a newcomer without provider, Redis or terminal runs it, on a port and data of its own. */
async function start(env: Record<string, string> = {}): Promise<Started> {
  const port = env['PORT'] ?? String(await findFreePort())
  const none = {
    REDIS_URL: '',
    OPENAI_API_KEY: '',
    OPENAI_BASE_URL: '',
    SLUICE_MODEL: '',
    SLUICE_API_KEYS: '',
    HOST: '',
  }
  const child = spawn(process.execPath, ['apps/start/src/main.ts'], {
    cwd: root,
    env: { ...inherited(), ...none, SLUICE_DATA_DIR: directory, ...env, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  let printed = ''
  let more = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      more.resolve()
      more = Promise.withResolvers()
    })
  }
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
    await exited
  })
  return {
    child,
    url: `http://127.0.0.1:${port}`,
    output: () => printed,
    async says(text) {
      const has = (): boolean => (typeof text === 'string' ? printed.includes(text) : text.test(printed))
      while (!has()) {
        if (child.exitCode !== null) throw new Error(`It ended before it said ${String(text)}:\n${printed}`)
        await Promise.race([more.promise, exited])
      }
    },
    async end(signal) {
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

/** All processes that descend from one, by id. */
async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const below = (parent: number): number[] =>
    pairs.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child!, ...below(child!)])
  return below(pid)
}

function living(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  })
}

const up = 'Ctrl-C stops everything'

test('start prints the address of the page first, which shows a sample at work while other work runs before it', async () => {
  const started = await start()
  await started.says(/Open the page: \S+\n/)
  await started.says('Sample: seven people')
  const output = started.output()
  expect(output).toContain(`Open the page: ${started.url}\n`)
  expect(output.indexOf('Open the page:')).toBeLessThan(output.indexOf('Sample:'))
  const page = await fetch(started.url, { headers: { accept: 'text/html' } })
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="page">')])
  const sample = async () => {
    const response = await fetch(`${started.url}/v1/batches?search=sample&limit=1`)
    return ((await response.json()) as { data: { status: string; counts: Record<string, number> }[] }).data[0]!
  }
  const before = await sample()
  await expect.poll(async () => (await sample()).counts['succeeded']).toBeGreaterThan(before.counts['succeeded']!)
  // Both terminal samples, 79 calls, end while the watched one has hardly begun.
  await started.says(up)
  expect(await sample()).toMatchObject({ status: 'in_progress' })
  expect(await started.end('SIGINT')).toBe(0)

  const next = await start()
  await next.says(up)
  expect(next.output()).not.toMatch(/unfinished batch(es)? resumes?:/)
  expect(next.output()).not.toContain('Sample:')
  expect(await next.end('SIGINT')).toBe(0)
})

test('start shows sample results, prints a request that works, runs once, and leaves no process behind', async () => {
  const started = await start()
  await started.says(up)
  const output = started.output()
  expect(output).toContain('not a model')
  for (const [name, age] of [
    ['John', 20],
    ['Mary', 21],
    ['Bob', 22],
    ['Alice', 23],
    ['Jane', 24],
    ['Joe', 25],
    ['Jill', 26],
  ]) {
    expect(output).toMatch(new RegExp(`My name is ${name} and .*${name} +${age}\\n`))
  }
  expect(output).toMatch(/7 of 7 succeeded/)
  expect(output).toMatch(/72 of 72 succeeded/)

  const curl = /^ +(curl -s .*)$/m.exec(output)?.[1]
  const answer = await promisify(execFile)('sh', ['-c', curl!])
  expect(JSON.parse(answer.stdout)).toMatchObject({ status: 'succeeded', data: { name: 'Maria', age: 34 } })

  const second = await start()
  const [code] = (await once(second.child, 'exit')) as [number]
  expect({ code, output: second.output() }).toEqual({
    code: 1,
    output: 'Sluice is already running from this directory. Stop it first (Ctrl-C in its terminal).\n',
  })

  const pids = await descendants(started.child.pid!)
  expect(pids.length).toBeGreaterThanOrEqual(4)
  expect(await started.end('SIGINT')).toBe(0)
  expect(started.output()).toMatch(/Stopped\.\n$/)
  expect(living(pids)).toEqual([])
})

test('a batch that an earlier start left unfinished continues at the next start', async () => {
  const slow = { SIMULATOR_LATENCY_MS: '1000' }
  const first = await start(slow)
  await first.says(up)
  const submitted = await fetch(`${first.url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      extractor: 'person',
      concurrency: 10,
      items: Array.from({ length: 60 }, (_, i) => `My name is John and I am ${20 + i} years old`),
    }),
  })
  const { id } = (await submitted.json()) as { id: string }
  expect(await first.end('SIGTERM')).toBe(0)

  const second = await start(slow)
  await second.says(up)
  expect(second.output()).toContain('An unfinished batch resumes:')
  expect(second.output()).toContain(`${id}: 60 of 60 succeeded`)
  expect(second.output()).not.toContain('Sample:')
  expect(await second.end('SIGTERM')).toBe(0)
})

test('a start that is killed outright leaves no process behind, and the next one takes its data', async () => {
  const killed = await start()
  await killed.says('7 of 7 succeeded')
  const pids = await descendants(killed.child.pid!)
  expect(await killed.end('SIGKILL')).toBeNull()

  const next = await start()
  await next.says(up)
  expect(next.output()).not.toContain('Sample: seven people')
  expect(await next.end('SIGINT')).toBe(0)
  await expect.poll(() => living(pids), { timeout: 30_000 }).toEqual([])
})

describe('what is wrong is one line and exit code 1, before anything is started:', () => {
  async function refusal(env: Record<string, string>): Promise<{ code: number; output: string }> {
    const started = await start(env)
    const [code] = (await once(started.child, 'exit')) as [number]
    return { code, output: started.output() }
  }

  test('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    expect(await refusal({ PORT: String(port) })).toEqual({
      code: 1,
      output: `Port ${port} on 127.0.0.1 is in use by another program. Choose another one: PORT=${port + 1} npx -y pnpm@12 start\n`,
    })
  })

  test.each([
    ['a Redis that does not answer', { REDIS_URL: 'redis://127.0.0.1:1' }, /^No Redis answers at 127\.0\.0\.1:1.*\n$/],
    ['no Redis on this machine', { PATH: '/nowhere' }, /^There is no Redis here\..*\n$/],
    ['a variable that is wrong', { SLUICE_CONCURRENCY: 'many' }, /^SLUICE_CONCURRENCY must be a whole number.*\n$/],
    ['a configuration file that is not there', { SLUICE_CONFIG: 'gone.ts' }, /^SLUICE_CONFIG is gone\.ts.*\n$/],
    ['a provider without a model', { OPENAI_API_KEY: 'key' }, /^SLUICE_MODEL is not set.*\n$/],
  ])('%s', async (_, env, line) => {
    expect(await refusal(env)).toEqual({ code: 1, output: expect.stringMatching(line) })
  })
})
