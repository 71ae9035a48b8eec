import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { findFreePort } from '@sluice/local/processes/ports'
import { runCli, startOnTerminal } from '../support/cli-process.ts'
import { people, person, startSystem } from '../support/system.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-terminal-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'person.json'), JSON.stringify(person.schema))
  await writeFile(
    join(directory, 'people.jsonl'),
    people(60)
      .map((text) => `${JSON.stringify(text)}\n`)
      .join(''),
  )
})
const extract = ['extract', 'people.jsonl', '--schema', 'person.json', '--out', 'out.jsonl', '--concurrency', '10']

/** Makes the character visible that begins every control sequence. */
const visible = (output: string): string => output.replaceAll('\u001B', '<ESC>')

/** The lines that were drawn in place: the text between clearing and the next control character. */
function drawn(output: string): string[] {
  return [...visible(output).matchAll(/<ESC>\[J([^<\r\n]+)/g)].map(([, line]) => line!)
}

test('on a terminal a bar moves and follows the width of the window, and Ctrl-C detaches', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '500' } })
  await system.worker()
  const place = { directory, env: { SLUICE_URL: system.url } }
  const terminal = startOnTerminal(place, extract, 100)
  const bars = () => drawn(terminal.output())
  await expect.poll(() => bars().some((line) => /\[#+-+\]/.test(line))).toBe(true)
  expect(bars().some((line) => /\d+\/60 {2}\d+ running/.test(line))).toBe(true)
  expect(Math.max(...bars().map((line) => line.length))).toBeLessThan(100)

  const before = terminal.output().length
  await terminal.resize(40)
  await expect
    .poll(() => drawn(terminal.output().slice(before)).filter((line) => line.length < 40).length)
    .toBeGreaterThan(2)
  // Only a line that was being written when the window changed may be longer.
  expect(drawn(terminal.output().slice(before)).filter((line) => line.length >= 40).length).toBeLessThanOrEqual(1)

  terminal.type('\u0003')
  expect(await terminal.ended).toBe(130)
  expect(terminal.output()).toMatch(/continues on the server[\s\S]*sluice attach batch_\w+ --out out\.jsonl/)
  const id = /batch_\w+/.exec(terminal.output())![0]
  const attached = startOnTerminal(place, ['attach', id, '--out', 'out.jsonl'], 100)
  expect(await attached.ended).toBe(0)
  // At the end the bar is removed, and the summary has a color.
  expect(visible(attached.output())).toMatch(
    /<ESC>\[J(?:<ESC>\[\d+m)+batch_\w+: [^\n]*60 of 60 succeeded[^\n]*\r\nResults: out\.jsonl\r\n$/,
  )
})

test('NO_COLOR removes the colors, not the bar', async () => {
  const system = await startSystem()
  await system.worker()
  const terminal = startOnTerminal({ directory, env: { SLUICE_URL: system.url, NO_COLOR: '1' } }, extract, 100)
  expect(await terminal.ended).toBe(0)
  expect(drawn(terminal.output()).length).toBeGreaterThan(0)
  expect(visible(terminal.output())).not.toMatch(/<ESC>\[\d+m/)
})

test('results and the bar on one terminal do not mix', async () => {
  const system = await startSystem()
  await system.worker()
  const args = ['extract', 'people.jsonl', '--schema', 'person.json', '--concurrency', '10']
  const terminal = startOnTerminal({ directory, env: { SLUICE_URL: system.url } }, args, 200)
  expect(await terminal.ended).toBe(0)
  // Every result begins at the left of a cleared line.
  const results = [...visible(terminal.output()).matchAll(/(^|\n|<ESC>\[J)(\{"index":.*\})\r\n/g)]
  expect(results.map(([, , line]) => JSON.parse(line!).status)).toEqual(people(60).map(() => 'succeeded'))
})

test('if no server runs, it offers to start one, which keeps running', async () => {
  const port = String(await findFreePort())
  const env = { PORT: port, SLUICE_DATA_DIR: join(directory, 'data'), OPENAI_API_KEY: '', SLUICE_API_KEYS: '' }
  const declined = startOnTerminal({ directory, env }, extract, 100)
  const question = `No Sluice server runs at http://127.0.0.1:${port}. Start one on this machine, in the background?`
  await expect.poll(() => declined.output()).toContain(question)
  declined.type('n\r')
  expect(await declined.ended).toBe(1)
  expect(declined.output()).toContain('npx -y pnpm@12 start')

  const unasked = startOnTerminal({ directory, env }, ['batches', '--no-input'], 100)
  expect(await unasked.ended).toBe(1)
  expect(unasked.output()).not.toContain(question)

  const accepted = startOnTerminal({ directory, env }, extract, 100)
  await expect.poll(() => accepted.output()).toContain(question)
  accepted.type('y\r')
  await expect.poll(() => accepted.output(), { timeout: 60_000 }).toMatch(/kill \d+/)
  const pid = Number(/kill (\d+)/.exec(accepted.output())![1])
  const lives = (): boolean => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  onTestFinished(async () => {
    if (lives()) process.kill(pid, 'SIGTERM')
    await expect.poll(lives, { timeout: 30_000 }).toBe(false)
  })
  expect(await accepted.ended).toBe(0)
  expect(accepted.output()).toContain('60 of 60 succeeded')
  expect(lives()).toBe(true)
  // This is the only batch: a background server runs no samples.
  const { stdout } = await runCli({ directory, env }, ['batches', '--json'])
  expect(JSON.parse(stdout).data).toMatchObject([{ metadata: { input: 'people.jsonl' } }])
})
