import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { makePlace, type Place } from '../support/cli-place.ts'
import { runCli, startCli } from '../support/cli-process.ts'
import { chatLines, toJsonl } from '../support/openai.ts'
import { startSystem } from '../support/system.ts'

let place: Place
beforeEach(async () => {
  place = await makePlace()
})

test("one command runs a file of OpenAI's Batch API", async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
  const [first, second, third] = chatLines(3)
  const bad = { ...third, body: { ...(third?.body as object), n: 2 } }
  await place.write('in.jsonl', toJsonl([first!, second!, bad]))
  const { code, stderr } = await runCli(place.of(system), ['openai-batch', 'in.jsonl', '--out', 'out.jsonl'])
  expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('2 of 3 succeeded') as string })
  expect((await place.readOut()).map(({ custom_id: id }) => id as string).toSorted()).toEqual([
    'request-0',
    'request-1',
  ])
  expect(await place.readOut('out.errors.jsonl')).toMatchObject([
    { custom_id: 'request-2', response: { status_code: 400 } },
  ])

  const again = await runCli(place.of(system), ['openai-batch', 'in.jsonl', '--out', 'out.jsonl'])
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--overwrite') as string })

  await place.write('wrong.jsonl', toJsonl([first!, 'not json']))
  const wrong = await runCli(place.of(system), ['openai-batch', 'wrong.jsonl', '--out', 'none.jsonl'])
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('line 2: This line is not parseable') as string,
  })
})

test('Ctrl-C leaves the batch running, and the command that it prints fetches the output', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await place.write('in.jsonl', toJsonl(chatLines(5)))
  const first = startCli(place.of(system), ['openai-batch', 'in.jsonl', '--out', 'out.jsonl'])
  await expect.poll(() => first.stderr()).toMatch(/batch_\w+: accepted/)
  first.child.kill('SIGINT')
  expect(await first.ended).toBe(130)
  const id = /batch_\w+/.exec(first.stderr())![0]
  expect(first.stderr()).toContain(`openai-batch --batch ${id} --out out.jsonl`)
  await system.worker()
  const { code, stdout } = await runCli(place.of(system), [
    'openai-batch',
    '--batch',
    id,
    '--out',
    'out.jsonl',
    '--json',
  ])
  expect({ code, batch: JSON.parse(stdout) as object }).toMatchObject({ code: 0, batch: { id, status: 'completed' } })
  expect((await readFile(join(place.directory, 'out.jsonl'), 'utf8')).trimEnd().split('\n')).toHaveLength(5)
})
