import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { jsonl, makePlace, parse, type Place } from '../support/cli-place.ts'
import { runCli } from '../support/cli-process.ts'
import { people, startSystem } from '../support/system.ts'

let place: Place
beforeEach(async () => {
  place = await makePlace()
})

test('with --json every command prints JSON for scripts, and nothing else', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write('people.jsonl', jsonl(people(3)))
  const json = async (...args: string[]): Promise<any> => {
    const { code, stdout, stderr } = await runCli(place.of(system), [...args, '--json'])
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return JSON.parse(stdout)
  }
  const estimate = await json('estimate', 'people.jsonl', '--schema', 'person.ts')
  expect(estimate).toMatchObject({ object: 'estimate', items: 3, cost_usd: null })
  const batch = await json('extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl')
  expect(batch).toMatchObject({ object: 'batch', status: 'completed', counts: { succeeded: 3 } })
  expect(await json('status', batch.id)).toMatchObject({ id: batch.id, status: 'completed' })
  expect(await json('batches', '--status', 'completed')).toMatchObject({ data: [{ id: batch.id }], has_more: false })
  expect(await json('doctor')).toMatchObject({ ok: true })
  const results = await runCli(place.of(system), ['results', batch.id, '--json'])
  expect(parse(results.stdout).map(({ index }) => index)).toEqual([0, 1, 2])
  expect(parse((await runCli(place.of(system), ['attach', batch.id, '--json'])).stdout)).toHaveLength(3)

  const wrong = await runCli(place.of(system), ['status', 'batch_none', '--json'])
  expect(wrong).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse(wrong.stderr)).toEqual({
    error: { code: 'batch_not_found', message: "There is no batch 'batch_none'." },
  })
})

test('pause, resume and cancel act on a batch', async () => {
  const system = await startSystem()
  const { id } = await system.submit(people(5))
  const here = place.of(system)
  expect((await runCli(here, ['pause', id])).stdout).toContain(`${id} is paused`)
  expect((await runCli(here, ['status', id])).stdout).toMatch(/^Status +paused: user$/m)
  expect((await runCli(here, ['resume', id])).stdout).toContain(`${id} is resumed`)
  expect((await runCli(here, ['cancel', id])).code).toBe(0)
  await expect.poll(async () => (await runCli(here, ['status', id])).stdout).toMatch(/^Status +cancelled$/m)
  expect((await runCli(here, ['batches'])).stdout).toMatch(new RegExp(`^${id} .* cancelled +5/5 `, 'm'))
  expect((await runCli(here, ['attach', id])).code).toBe(3)
})

test('failures are shown in groups, one group is retried, and results are written as a table', async () => {
  const system = await startSystem()
  await system.worker()
  const here = place.of(system)
  await place.write('people.jsonl', jsonl(people(6)))
  await system.simulator.set('faults', { rates: { refusal: 1 } })
  const extract = ['extract', 'people.jsonl', '--schema', 'person.ts', '--detach', '--json']
  const { id } = JSON.parse((await runCli(here, extract)).stdout)
  await system.until(id, ({ status }) => status === 'completed')
  await system.simulator.set('faults', { rates: {} })
  const { stdout } = await runCli(here, ['errors', id])
  const [, group = ''] = /--error-group ([0-9a-f]{12})/.exec(stdout) ?? []
  expect(stdout).toMatch(
    /^6 x refused: .+\n {4}such as item '\d': .+\n {4}.* retry batch_\w+ --error-group [0-9a-f]{12}$/m,
  )
  const dry = await runCli(here, ['retry', id, '--error-group', group, '--dry-run'])
  expect(dry.stdout).toMatch(/^6 items would be retried, with about [\d,]+ tokens\.$/m)
  expect((await runCli(here, ['retry', id, '--error-group', group, '--out', 'again.jsonl'])).code).toBe(0)
  expect((await runCli(here, ['errors', id])).stdout).toContain('No item failed.')

  expect((await runCli(here, ['results', id, '--format', 'csv', '--out', 'out.csv'])).code).toBe(0)
  const lines = (await readFile(join(place.directory, 'out.csv'), 'utf8')).trim().split('\r\n')
  expect(lines[0]).toMatch(/^index,id,status,name,age,/)
  expect(lines).toHaveLength(7)
  const refused = await runCli(here, ['results', id, '--format', 'csv', '--schema', 'person.ts'])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--format csv') })
  expect((await runCli(here, ['batches', '--search', 'people.jsonl'])).stdout).toContain(`${id}`)
})

const rightKey = 'the-right-key-of-this-test'

describe('doctor', () => {
  test('reports what works, and makes a call on request', async () => {
    const system = await startSystem()
    await system.worker()
    const { code, stdout } = await runCli(place.of(system), ['doctor', '--call'])
    expect(code).toBe(0)
    for (const what of ['Node', 'Server', 'Redis', 'Key', 'Version', 'Lane default', 'Call on lane default']) {
      expect(stdout).toMatch(new RegExp(`^ok +${what}: `, 'm'))
    }
  })

  test('says how to fix a missing worker, a missing or wrong key, and a missing server', async () => {
    const system = await startSystem({ env: { SLUICE_API_KEYS: rightKey } })
    const doctor = (env: Record<string, string>) => runCli(place.of(system, env), ['doctor'])
    const unkeyed = await doctor({})
    expect(unkeyed.code).toBe(1)
    expect(unkeyed.stdout).toMatch(/^FAILED +Key: .*\n +-> Set SLUICE_API_KEY to one of/m)
    expect((await doctor({ SLUICE_API_KEY: 'wrong' })).stdout).toContain(
      "SLUICE_API_KEY is not one of the server's SLUICE_API_KEYS",
    )
    const idle = await doctor({ SLUICE_API_KEY: rightKey })
    expect(idle.code).toBe(1)
    expect(idle.stdout).toMatch(/^FAILED +Lane default: No worker runs .*\n +-> Start one: /m)
    const alone = await doctor({ SLUICE_URL: 'http://127.0.0.1:1' })
    expect(alone.stdout).toMatch(/^FAILED +Server: No Sluice server answers at http:\/\/127\.0\.0\.1:1 /m)
    const refused = await runCli(place.of(system), ['batches'])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('SLUICE_API_KEY')
  })

  test('checks the configuration, Redis and provider of this machine if SLUICE_URL is not set', async () => {
    const system = await startSystem()
    const env = {
      SLUICE_URL: '',
      PORT: '1',
      OPENAI_BASE_URL: `${system.simulatorUrl}/v1`,
      OPENAI_API_KEY: 'key',
      SLUICE_MODEL: 'simulator',
    }
    const here = async (more: Record<string, string>) =>
      (await runCli(place.of(system, { ...env, ...more }), ['doctor'])).stdout
    expect(await here({})).toMatch(/^ok +Provider of lane default: .* has simulator\.$/m)
    expect(await here({ SLUICE_MODEL: 'gone' })).toMatch(
      /^FAILED +Provider of lane default: .* has no model 'gone'; it has simulator/m,
    )
    expect(await here({ REDIS_URL: 'redis://127.0.0.1:1' })).toMatch(/^FAILED +Redis here: No Redis answers/m)
    expect(await here({ SLUICE_MODEL: '' })).toMatch(/^FAILED +Configuration: SLUICE_MODEL is not set/m)
    expect(await here({ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' })).toMatch(
      /^FAILED +Provider of lane default: .* cannot be reached/m,
    )
  })
})

test('every command in the guide works as it is written there', async () => {
  const system = await startSystem()
  await system.worker()
  const root = join(import.meta.dirname, '../..')
  await cp(join(root, 'examples/cli'), join(place.directory, 'examples/cli'), { recursive: true })
  const guide = await readFile(join(root, 'docs/guides/cli.md'), 'utf8')
  const commands = [...guide.matchAll(/^npx -y pnpm@12 sluice (.*)$/gm)].map(([, line]) => line!.split(' '))
  expect(commands.map(([name]) => name)).toEqual(['extract', 'estimate', 'doctor', '--help', 'batches'])
  for (const command of commands) {
    const { code, stderr } = await runCli(place.of(system), command)
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: expect.any(String) as string })
  }
  expect((await place.readOut('people.jsonl')).map(({ data }) => data.age).toSorted((a, b) => a - b)).toEqual([
    20, 21, 22, 23, 24, 25, 26,
  ])
})

test('without a server and without a terminal it says how to start one', async () => {
  const { code, stdout, stderr } = await runCli({ directory: place.directory, env: { PORT: '1' } }, ['batches'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('No Sluice server answers at http://127.0.0.1:1 (')
  expect(stderr).toContain('npx -y pnpm@12 start')
})

describe('usage', () => {
  test.each([
    ['nothing to extract', ['extract', 'people.jsonl'], /add --schema <file> or --extractor <name>/],
    [
      'half an extractor',
      ['extract', 'people.jsonl', '--extractor', 'person', '--lane', 'fast'],
      /--lane is already part of the extractor/,
    ],
    ['no input', ['extract'], /missing required argument 'input'/],
    ['an unknown command', ['extrat'], /unknown command 'extrat'[\s\S]*extract/],
    [
      'a word instead of a number',
      ['extract', 'x.jsonl', '--concurrency', 'many'],
      /It must be a whole number from 1 to 100000/,
    ],
    ['a key', ['batches', '--api-key', 'secret'], /unknown option '--api-key'/],
  ])('is wrong with %s: exit code 2 and a message', async (_, args, message) => {
    // Reported before the server is contacted.
    const { code, stdout, stderr } = await runCli({ directory: place.directory, env: { PORT: '1' } }, args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  test.each([
    'extract',
    'estimate',
    'batches',
    'status',
    'attach',
    'results',
    'pause',
    'resume',
    'cancel',
    'retry',
    'doctor',
  ])('%s --help has examples', async (command) => {
    const { code, stdout } = await runCli({ directory: place.directory, env: {} }, [command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`Examples:\\n  \\$ sluice ${command}`))
    expect(stdout).toContain('--json')
  })
})
