import { fileURLToPath } from 'node:url'
import { hostileCases } from '../../packages/schema/report/hostile-cases.ts'
import type { Running } from '@sluice/local/processes/app-process'
import { parseJson } from '@sluice/contract/json-text'
import { expect, test } from 'vitest'
import { startScriptedProvider } from '../support/scripted-provider.ts'
import { expectCountsToAddUp, people, person, startSystem } from '../support/system.ts'

/** Larger answers are read before they are validated, which is bounded elsewhere. */
const mostAnswerBytes = 1_000_000
const ends = {
  valid: 'succeeded',
  invalid: 'invalid_output',
  'too large': 'invalid_output',
  refused: 'refused',
} as const

/** JSON.stringify recurses; the deepest answer is a list in a list. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    let levels = 0
    for (let at = (value as { a: unknown }).a; Array.isArray(at); at = at[0] as unknown) levels += 1
    return `{"a":${'['.repeat(levels)}1${']'.repeat(levels)}}`
  }
}

test('ordinary batches do not notice hostile schemas and answers beside them, on one worker', async () => {
  const hostile = hostileCases
    .map((one) => ({ ...one, text: one.end === 'refused' ? '' : jsonOf(one.answer()) }))
    .filter(({ text, schema }) => text.length < mostAnswerBytes && schema['type'] === 'object')
    // Deeper JSON is refused before its schema is looked at.
    .filter(({ schema }) => parseJson(JSON.stringify({ extractor: { schema } })).ok)
  const scripts = hostile.map(({ name, text }) => ({ match: `hostile <${name}>`, answer: text }))
  await using provider = await startScriptedProvider([
    ...scripts,
    { match: 'My name is', answer: '{"name":"Jill","age":30}' },
  ])
  const system = await startSystem({ env: { OPENAI_BASE_URL: provider.url } })
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const runOrdinary = async () => {
    const began = performance.now()
    const { id } = await system.submit(people(200), { extractor: person })
    const batch = await system.until(id, ({ status }) => status === 'completed')
    expect(batch.counts).toMatchObject({ total: 200, succeeded: 200 })
    return performance.now() - began
  }
  const aloneMs = await runOrdinary()

  const batches = await Promise.all(
    hostile.map(async ({ name, schema, end }) => {
      const items = Array.from({ length: 3 }, (_, i) => ({ id: String(i), text: `hostile <${name}> ${i}` }))
      const { status, body } = await system.request('POST', '/v1/batches', { extractor: { schema, reasks: 0 }, items })
      expect([name, status]).toEqual([name, end === 'refused' ? 400 : 202])
      return { name, end, id: body.id as string }
    }),
  )
  expect(batches.length).toBeGreaterThan(20)
  const besideMs = await runOrdinary()
  // Each of their items may take 100 ms of the worker. Without bounds a single one takes 4 to 100 s.
  expect(besideMs).toBeLessThan(3 * aloneMs + batches.length * 3 * 100 * system.slowdown)

  for (const { name, end, id } of batches) {
    if (end === 'refused') continue
    await system.until(id, ({ status }) => status === 'completed')
    const results = await system.results(id)
    expect([name, ...new Set(results.map(({ status, error }) => error?.type ?? status))]).toEqual([name, ends[end]])
  }
})

test('an item whose answer ends its worker ends two workers at most, and fails with its reason; all others succeed', async () => {
  const system = await startSystem({
    simulator: { SIMULATOR_LATENCY_MS: '20' },
    env: { SLUICE_CONFIG: fileURLToPath(new URL('../support/poison.config.ts', import.meta.url)) },
  })
  const texts = [...people(20).slice(0, 10), 'My name is Joe and I am 99 years old.', ...people(30).slice(20)]
  const { id } = await system.submit(texts, { extractor: 'poison' })
  let deaths = 0
  let worker: Running = await system.worker()
  const isAlive = () => worker.child.exitCode === null && worker.child.signalCode === null
  await system.until(
    id,
    ({ status }) => {
      if (!isAlive()) deaths += 1
      return status === 'completed' || !isAlive()
    },
    110_000,
  )
  while ((await system.batch(id)).status !== 'completed') {
    worker = await system.worker()
    await system.until(id, ({ status }) => status === 'completed' || !isAlive(), 110_000)
    if (!isAlive()) deaths += 1
  }
  expect(deaths).toBe(2)

  const results = await system.results(id)
  expect(results[10]).toMatchObject({
    status: 'failed',
    error: {
      type: 'internal_error',
      message: expect.stringMatching(/a separate process ended with SIGKILL/) as string,
    },
  })
  expect(results.filter(({ status }) => status === 'succeeded')).toHaveLength(20)
  expectCountsToAddUp(await system.batch(id))
})
