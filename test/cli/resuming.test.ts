import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { batchesOf, jsonl, makePlace, type Place, suggestedCommand } from '../support/cli-place.ts'
import { runCli, startCli } from '../support/cli-process.ts'
import { people, startSystem } from '../support/system.ts'

let place: Place
beforeEach(async () => {
  place = await makePlace()
})

test('the same input finds its batch again: nothing is paid for twice, except on request', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write('people.jsonl', jsonl(people(10)))
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl', '--order', 'input']
  await runCli(place.of(system), args)
  const before = await readFile(join(place.directory, 'out.jsonl'), 'utf8')
  const again = await runCli(place.of(system), [...args, '--concurrency', '3'])
  expect(again.code).toBe(0)
  expect(again.stderr).toContain('10 items, sent before, already done.')
  expect(await readFile(join(place.directory, 'out.jsonl'), 'utf8')).toBe(before)
  // Also if this machine has lost its memory of it.
  await rm(join(place.directory, 'state'), { recursive: true })
  expect((await runCli(place.of(system), [...args, '--overwrite'])).stderr).toContain('sent before')
  expect(await batchesOf(system)).toHaveLength(1)
  expect((await system.simulator.stats()).paid).toBe(10)

  const other = await runCli(place.of(system), [
    'extract',
    'people.jsonl',
    '--schema',
    'person.ts',
    '--out',
    'fresh.jsonl',
    '--fresh',
  ])
  expect(other.code).toBe(0)
  expect(await batchesOf(system)).toHaveLength(2)
  expect((await system.simulator.stats()).paid).toBe(20)
  // A file that is not from this batch is rejected before anything is sent.
  await place.write('precious.jsonl', 'precious\n')
  await place.write('people.jsonl', jsonl(people(11)))
  const refused = await runCli(place.of(system), [
    'extract',
    'people.jsonl',
    '--schema',
    'person.ts',
    '--out',
    'precious.jsonl',
  ])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('precious.jsonl already exists')
  expect(await batchesOf(system)).toHaveLength(2)
})

test('killed in the middle of the work, it resumes when it is run again', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '300' } })
  await system.worker()
  await place.write('people.jsonl', jsonl(people(40)))
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl', '--concurrency', '5']
  const first = startCli(place.of(system), args)
  await expect.poll(() => readFile(join(place.directory, 'out.jsonl'), 'utf8').catch(() => '')).toMatch(/\n.*\n/)
  first.child.kill('SIGKILL')
  expect(await first.ended).toBeNull()
  // Options that can change while a batch runs are applied, and it stays the same batch.
  const second = await runCli(place.of(system), [...args.slice(0, -1), '20'])
  expect(second.code).toBe(0)
  expect((await place.readOut()).map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
    people(40).map((_, i) => i),
  )
  expect(await batchesOf(system)).toMatchObject([{ concurrency: 20, counts: { succeeded: 40 } }])
  expect((await system.simulator.stats()).paid).toBe(40)
})

test.each([
  ['SIGKILL', null],
  ['SIGINT', 130],
] as const)('ended by %s while it sends, it resumes where it was', async (ending, code) => {
  const system = await startSystem()
  const count = 60_000
  await place.write('people.jsonl', jsonl(people(count).map((text) => text + ' '.repeat(300))))
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--detach']
  const first = startCli(place.of(system), args)
  await expect
    .poll(async () => (await batchesOf(system))[0]?.counts.total ?? 0, { interval: 10, timeout: 30_000 })
    .toBeGreaterThan(0)
  first.child.kill(ending)
  expect(await first.ended).toBe(code)
  if (ending === 'SIGINT') expect(first.stderr()).toContain('Run the same command again to resume.')
  expect(await batchesOf(system)).toMatchObject([{ status: 'uploading' }])
  const second = await runCli(place.of(system), args)
  expect(second.code).toBe(0)
  const batches = await batchesOf(system)
  expect(batches).toMatchObject([
    { status: 'in_progress', counts: { total: count }, metadata: { input: 'people.jsonl' } },
  ])
  expect(second.stdout).toBe(`${batches[0]!.id}\n`)
})

test('killed while it sends documents, it resumes where it was', async () => {
  const system = await startSystem()
  const count = 1_000
  await mkdir(join(place.directory, 'letters'))
  for (let i = 0; i < count; i += 1) await place.write(`letters/${i}.html`, `<p>I am ${i} years old</p>`)
  const args = ['extract', 'letters', '--schema', 'person.ts', '--detach']
  const first = startCli(place.of(system), args)
  const arrived = async () => (await batchesOf(system))[0]?.counts.total ?? 0
  await expect.poll(arrived, { interval: 5, timeout: 30_000 }).toBeGreaterThan(0)
  first.child.kill('SIGKILL')
  await first.ended
  expect(await batchesOf(system)).toMatchObject([{ status: 'uploading' }])
  const second = await runCli(place.of(system), args)
  expect(second.code).toBe(0)
  expect(await batchesOf(system)).toMatchObject([{ status: 'in_progress', counts: { total: count } }])
})

test('sends an input that is larger than its memory', async () => {
  const system = await startSystem()
  const heapMb = 96
  const file = createWriteStream(join(place.directory, 'large.jsonl'))
  const count = 11_000
  for (let i = 0; i < count; i += 1) {
    if (!file.write(`${JSON.stringify(`I am ${i} years old. ${'Lorem ipsum. '.repeat(800)}`)}\n`))
      await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
  expect((await stat(join(place.directory, 'large.jsonl'))).size).toBeGreaterThan(heapMb * 2 ** 20)
  const here = place.of(system, { NODE_OPTIONS: `--max-old-space-size=${heapMb}` })
  const { code } = await runCli(here, ['extract', 'large.jsonl', '--schema', 'person.ts', '--detach'])
  expect(code).toBe(0)
  expect(await batchesOf(system)).toMatchObject([{ status: 'in_progress', counts: { total: count } }])
})

test('Ctrl-C detaches and shows how to attach; attaching completes the file', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '300' } })
  await system.worker()
  await place.write('people.jsonl', jsonl(people(30)))
  const first = startCli(
    place.of(system),
    'extract people.jsonl --schema person.ts --out out.jsonl --order input --concurrency 5'.split(' '),
  )
  await expect.poll(() => first.stderr()).toContain('accepted')
  first.child.kill('SIGINT')
  expect(await first.ended).toBe(130)
  expect(first.stderr()).toContain('continues on the server')
  const command = suggestedCommand(first.stderr())
  expect(command.slice(2)).toEqual(['--out', 'out.jsonl', '--order', 'input', '--schema', 'person.ts'])
  expect((await runCli(place.of(system), command)).code).toBe(0)
  expect((await place.readOut()).map(({ index }) => index)).toEqual(people(30).map((_, i) => i))
})

test('does not wait for a paused batch: it says why, and how to resume', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write('people.jsonl', jsonl(people(5)))
  await system.simulator.set('faults', { rates: { 401: 1 } })
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl']
  const paused = await runCli(place.of(system), args)
  expect(paused.code).toBe(4)
  expect(paused.stderr).toMatch(/is paused: .*key/i)
  const id = /batch_\w+/.exec(paused.stderr)![0]
  expect(paused.stderr).toContain(`sluice resume ${id} && sluice attach ${id} --out out.jsonl --schema person.ts`)
  const doctor = await runCli(place.of(system), ['doctor'])
  expect(doctor.code).toBe(1)
  expect(doctor.stdout).toMatch(/^FAILED +Lane default: It is paused, because no call can succeed: /m)
  expect(doctor.stdout).toMatch(new RegExp(`^warning +Batch ${id}: It is paused: `, 'm'))
  await system.simulator.set('faults', { rates: {} })
  expect((await runCli(place.of(system), ['resume', id])).code).toBe(0)
  expect((await runCli(place.of(system), args)).code).toBe(0)
  expect(await place.readOut()).toHaveLength(5)
})

const pricedLane = `export default { lanes: { default: {
  baseUrl: process.env.OPENAI_BASE_URL, apiKey: 'key', model: 'simulator', prices: { input: 100, output: 100 },
} } }`

test('a batch that has reached its cost cap resumes with a higher cap', async () => {
  await place.write('priced.mjs', pricedLane)
  const system = await startSystem({ env: { SLUICE_CONFIG: join(place.directory, 'priced.mjs') } })
  await system.worker()
  await place.write('people.jsonl', jsonl(people(20)))
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl']
  const capped = await runCli(place.of(system), [...args, '--max-cost', '0.1'])
  expect(capped.code).toBe(4)
  const suggested = /^ {2}sluice resume (\S+ --max-cost 0\.2) && sluice attach /m.exec(capped.stderr)
  const [batch] = await batchesOf(system)
  expect(suggested?.[1]).toBe(`${batch!.id} --max-cost 0.2`)
  expect(batch!.cost_usd).toBeLessThanOrEqual(0.1)
  expect((await runCli(place.of(system), ['resume', batch!.id, '--max-cost', '10'])).code).toBe(0)
  const done = await runCli(place.of(system), args)
  expect(done.code).toBe(0)
  expect(done.stderr).toMatch(/20 of 20 succeeded, .*, \$0\.\d{4}$/m)
})
