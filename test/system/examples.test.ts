import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { startSystem } from '../support/system.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let url = ''
beforeAll(async () => {
  const system = await startSystem({ keepFor: 'file' })
  await system.worker()
  url = system.url
})

async function run(example: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [`examples/${example}`, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', SLUICE_URL: url },
    timeout: 30_000,
  })
  return stdout
}

const names = ['John', 'Mary', 'Bob', 'Alice', 'Jane', 'Joe', 'Jill']
const inOrder = names.map((name, index) => `{ name: '${name}', age: ${20 + index} }`)
const numbered = inOrder.map((person, index) => `${index} ${person}`)

/** What each prints; lines that come as they are ready, in any order, begin with their place. */
const expected: Record<string, readonly unknown[]> = {
  'for-loop.ts': inOrder,
  'gather.ts': inOrder,
  'gather-two-at-a-time.ts': inOrder,
  'as-completed.ts': numbered,
  'as-completed-two-at-a-time.ts': numbered,
  'return-exceptions.ts': ['Mary', expect.stringMatching(/^invalid_output: .*is too long\.\.\./), 'Bob'],
}

test.each(Object.keys(expected))('examples/%s does what the tutorial does', async (example) => {
  const lines = (await run(example)).trimEnd().split('\n')
  expect(example.startsWith('as-completed') ? lines.toSorted() : lines).toEqual(expected[example])
})

test('examples/submit-and-come-back.ts: one process submits, another has the results', async () => {
  const id = (await run('submit-and-come-back.ts')).trim()
  expect(id).toMatch(/^batch_/)
  expect((await run('submit-and-come-back.ts', id)).trimEnd().split('\n')).toEqual(inOrder)
})

test('examples/summarize.ts: a document in chunks, and their summaries in one', async () => {
  const lines = (await run('summarize.ts', 'ARCHITECTURE.md')).trimEnd().split('\n')
  const numbers = lines.flatMap((line) => /^(\d): ./.exec(line)?.[1] ?? [])
  expect(numbers).toEqual(['0', '1', '2', '3', '4', '5'])
  expect(lines.at(-1)!.length).toBeGreaterThan(20)
})

test('every example is run here', () => {
  const shared = ['connect.ts', 'people.ts']
  const there = readdirSync(`${root}/examples`).filter((file) => file.endsWith('.ts') && !shared.includes(file))
  expect(there.toSorted()).toEqual([...Object.keys(expected), 'submit-and-come-back.ts', 'summarize.ts'].toSorted())
})
