import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { makePdf } from '../../packages/documents/test/pdfs.ts'
import { batchesOf, jsonl, makePlace, parse, type Place, suggestedCommand } from '../support/cli-place.ts'
import { runCli } from '../support/cli-process.ts'
import { people, person, startSystem } from '../support/system.ts'

let place: Place
beforeEach(async () => {
  place = await makePlace()
})

test('extracts a file of texts to a file of results, without a bar if there is no terminal', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write('people.jsonl', jsonl(people(20)))
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl', '--order', 'input']
  const { code, stdout, stderr } = await runCli(place.of(system), args)
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toMatch(/^batch_\w+: 20 items accepted\.$/m)
  expect(stderr).toMatch(/^batch_\w+: 20 of 20 succeeded, .*$/m)
  expect(stderr).toMatch(/^Results: out\.jsonl$/m)
  // Neither colors nor a line that changes in place.
  for (const control of ['\u001B', '\r']) expect(stderr).not.toContain(control)
  const out = await place.readOut()
  expect(out.map(({ index, status, data }) => ({ index, status, data }))).toEqual(
    people(20).map((text, index) => ({
      index,
      status: 'succeeded',
      data: { name: /is (\w+)/.exec(text)![1], age: 20 + index },
    })),
  )
})

test('reads a CSV with ids and columns to keep, and standard input, and writes to standard output', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write(
    'people.csv',
    'nr;bio;city\n17;"My name is Ann;\nI am 30 years old";Oslo\n18;My name is Bob and I am 31 years old;Rome\n',
  )
  await place.write('person.json', JSON.stringify(person.schema))
  const csv = await runCli(
    place.of(system),
    'extract people.csv --schema person.json --column bio --id-column nr --keep city --order input --quiet'.split(' '),
  )
  expect({ code: csv.code, stderr: csv.stderr }).toEqual({ code: 0, stderr: '' })
  expect(parse(csv.stdout)).toMatchObject([
    { id: '17', data: { name: 'Ann', age: 30 }, metadata: { city: 'Oslo' } },
    { id: '18', data: { name: 'Bob', age: 31 }, metadata: { city: 'Rome' } },
  ])
  const input = jsonl(['My name is Cy and I am 32 years old'])
  const piped = await runCli(place.of(system), ['extract', '-', '--schema', 'person.ts'], input)
  expect(piped.code).toBe(0)
  expect(parse(piped.stdout)).toMatchObject([{ data: { name: 'Cy', age: 32 } }])
  // The same input from a pipe is recognized, too.
  const again = await runCli(place.of(system), ['extract', '-', '--schema', 'person.ts'], input)
  expect(again.stderr).toContain('1 item, sent before')
  expect(await batchesOf(system)).toHaveLength(2)
})

test('reads a folder, one text per file', async () => {
  const system = await startSystem()
  await system.worker()
  await mkdir(join(place.directory, 'letters/a'), { recursive: true })
  await place.write('letters/a/1.txt', 'My name is Ann and I am 30 years old')
  await place.write('letters/2.txt', 'My name is Bob and I am 31 years old')
  const { code, stdout } = await runCli(place.of(system), [
    'extract',
    'letters',
    '--schema',
    'person.ts',
    '--order',
    'input',
  ])
  expect(code).toBe(0)
  expect(parse(stdout)).toMatchObject([
    { id: '2.txt', data: { name: 'Bob' } },
    { id: 'a/1.txt', data: { name: 'Ann' } },
  ])
})

test('sends documents unchanged; a broken one is an item that fails', async () => {
  const system = await startSystem()
  await system.worker()
  await mkdir(join(place.directory, 'letters/a'), { recursive: true })
  await place.write('letters/a/1.pdf', await makePdf(['My name is Ann', 'and I am 30 years old']))
  await place.write('letters/2.html', '<h1>Bob</h1><p>My name is Bob and I am <b>31</b> years old</p>')
  await place.write('letters/3.txt', 'My name is Cy and I am 32 years old')
  await place.write('letters/4.pdf', '%PDF-1.4 broken')
  const args = 'extract letters --schema person.ts --order input --out out.jsonl'.split(' ')
  const estimate = await runCli(place.of(system), ['estimate', 'letters', '--schema', 'person.ts', '--json'])
  expect(JSON.parse(estimate.stdout)).toMatchObject({ object: 'estimate', items: 4 })
  const { code, stderr } = await runCli(place.of(system), args)
  expect(code).toBe(3)
  expect(stderr).toContain('Failed: 1 unreadable.')
  expect(await place.readOut()).toMatchObject([
    { id: '2.html', data: { name: 'Bob', age: 31 } },
    { id: '3.txt', data: { name: 'Cy', age: 32 } },
    { id: '4.pdf', status: 'failed', error: { type: 'unreadable' } },
    { id: 'a/1.pdf', data: { name: 'Ann', age: 30 } },
  ])
  expect((await runCli(place.of(system), args)).stderr).toContain('4 items, sent before, already done.')
  const one = await runCli(place.of(system), ['extract', 'letters/2.html', '--schema', 'person.ts'])
  expect(parse(one.stdout)).toMatchObject([{ id: '2.html', data: { name: 'Bob', age: 31 } }])
  expect((await batchesOf(system)).map(({ counts }) => counts.total)).toEqual([1, 4])
})

test('exit code 3 means that items failed; the suggested retry replaces them in the file', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write('people.jsonl', jsonl(people(20)))
  await system.simulator.set('faults', { script: [{ match: 'Ticket 3.', fault: 'refusal', times: 1 }] })
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl']
  const first = await runCli(place.of(system), args)
  expect(first.code).toBe(3)
  expect(first.stderr).toContain('Failed: 1 refused. To retry only these:')
  expect((await place.readOut()).filter(({ status }) => status === 'failed')).toMatchObject([
    { index: 3, error: { type: 'refused' } },
  ])

  const command = suggestedCommand(first.stderr)
  expect(command).toEqual(['retry', expect.stringMatching(/^batch_/), '--out', 'out.jsonl', '--schema', 'person.ts'])
  const counted = await runCli(place.of(system), ['retry', command[1]!, '--dry-run', '--json'])
  expect(JSON.parse(counted.stdout)).toMatchObject({ retried: 1, dry_run: true })
  const second = await runCli(place.of(system), command)
  expect(second.code).toBe(0)
  const out = await place.readOut()
  expect(out.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(people(20).map((_, i) => i))
  expect(out.every(({ status }) => status === 'succeeded')).toBe(true)
})

test('uses an extractor of the server, or instructions from a file', async () => {
  const system = await startSystem()
  await system.worker()
  await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  await place.write('people.jsonl', jsonl(people(2)))
  const named = await runCli(place.of(system), ['extract', 'people.jsonl', '--extractor', 'person', '--order', 'input'])
  expect(parse(named.stdout)).toMatchObject([{ data: { name: 'John' } }, { data: { name: 'Mary' } }])
  expect(await batchesOf(system)).toMatchObject([{ extractor: 'person@1' }])
  const unknown = await runCli(place.of(system), ['extract', 'people.jsonl', '--extractor', 'nobody'])
  expect(unknown).toMatchObject({ code: 1, stderr: "There is no extractor 'nobody'.\n" })

  await place.write('words.txt', 'Who is it?')
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--instructions', '@words.txt']
  expect((await runCli(place.of(system), args)).code).toBe(0)
  const { body } = await system.request('GET', '/v1/batches')
  expect(body.data).toMatchObject([{ extractor: 'inline' }, { extractor: 'person@1' }])
  expect((await runCli(place.of(system), [...args.slice(0, -1), '@gone.txt'])).stderr).toContain(
    'cannot read gone.txt (ENOENT)',
  )
})

test('checks values with the zod schema itself when they arrive', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write(
    'adult.ts',
    `import { z } from 'zod'\nexport default z.object({ name: z.string().toUpperCase(), age: z.int().refine((age) => age < 22, 'too old') })\n`,
  )
  await place.write('people.jsonl', jsonl(people(3)))
  const { code, stdout, stderr } = await runCli(place.of(system), [
    'extract',
    'people.jsonl',
    '--schema',
    'adult.ts',
    '--order',
    'input',
  ])
  expect(code).toBe(3)
  expect(parse(stdout)).toMatchObject([
    { status: 'succeeded', data: { name: 'JOHN', age: 20 } },
    { status: 'succeeded', data: { name: 'MARY', age: 21 } },
    { status: 'failed', error: { type: 'invalid_output', message: expect.stringContaining('too old') as string } },
  ])
  expect(stderr).toContain('1 match the JSON Schema but not the checks in adult.ts.')
})

test('rejects an invalid input with the position of the error, and sends nothing', async () => {
  const system = await startSystem()
  await system.worker()
  await place.write('people.jsonl', `${jsonl(people(6_000))}{oops\n`)
  const args = ['extract', 'people.jsonl', '--schema', 'person.ts', '--out', 'out.jsonl']
  const refused = await runCli(place.of(system), args)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/^people\.jsonl line 6001: Invalid JSON: .*\n$/)
  expect(await batchesOf(system)).toEqual([])
  const skipped = await runCli(place.of(system), [...args, '--on-invalid', 'skip', '--detach'])
  expect(skipped.code).toBe(0)
  expect(skipped.stderr).toContain('Skipped because invalid (1):\n  people.jsonl line 6001: Invalid JSON')
  expect(await batchesOf(system)).toMatchObject([{ counts: { total: 6_000 } }])
})
