import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startSystem } from '../support/system.ts'

/** The fault of each text (once, or with every call) and its result: requests, paid calls by the simulator's count, those of them that are known, and repeated calls. */
const kinds = [
  { kind: 'none', requests: 1, paid: 1, known: 1, repeated: 0, end: 'succeeded' },
  { kind: 'odd_usage', requests: 1, paid: 1, known: 1, repeated: 0, end: 'succeeded' },
  { kind: 'rate_limit_in_200', requests: 2, paid: 1, known: 1, repeated: 0, end: 'succeeded' },
  { kind: 'error_in_200', requests: 2, paid: 1, known: 1, repeated: 0, end: 'succeeded' },
  { kind: 'bad_json', requests: 2, paid: 2, known: 2, repeated: 0, end: 'succeeded' },
  { kind: 'no_message', requests: 2, paid: 2, known: 2, repeated: 0, end: 'succeeded' },
  { kind: 'html', requests: 2, paid: 1, known: 1, repeated: 1, end: 'succeeded' },
  { kind: 'broken_body', requests: 2, paid: 2, known: 1, repeated: 1, end: 'succeeded' },
  { kind: 'cut_after', requests: 2, paid: 2, known: 1, repeated: 1, end: 'succeeded' },
  { kind: 'always_html', requests: 3, paid: 0, known: 0, repeated: 2, end: 'unavailable' },
  { kind: 'always_broken_body', requests: 3, paid: 3, known: 0, repeated: 2, end: 'unavailable' },
  // The same errors twice: there is no third call.
  { kind: 'always_no_message', requests: 2, paid: 2, known: 2, repeated: 0, end: 'invalid_output' },
]
const each = 3

test('a batch with every odd answer ends: no item is retried without end, and the counters add up', async () => {
  const system = await startSystem({
    simulator: { SIMULATOR_LATENCY_MS: '20' },
    env: { SLUICE_CONFIG: fileURLToPath(new URL('../support/quick-retry.config.ts', import.meta.url)) },
  })
  const worker = await system.worker({ SLUICE_CONCURRENCY: '10' })
  const textOf = (kind: string, i: number) => `${kind}: My name is Jill and I am ${20 + i} years old.`
  // A fault that happens once is for one text: a retry must not meet the fault of another one.
  const script = kinds
    .slice(1)
    .flatMap(({ kind }) =>
      kind.startsWith('always_')
        ? [{ match: `${kind}:`, fault: kind.replace('always_', ''), times: 1_000_000 }]
        : Array.from({ length: each }, (_, i) => ({ match: textOf(kind, i), fault: kind, times: 1 })),
    )
  // The first that matches is used: `html:` is also a part of `always_html:`.
  await system.simulator.set('faults', { script: script.toReversed() })
  const texts = kinds.flatMap(({ kind }) => Array.from({ length: each }, (_, i) => textOf(kind, i)))
  const { id } = await system.submit(texts)
  const { counts, usage } = await system.until(id, ({ status }) => status === 'completed')
  const results = await system.results(id)

  expect(results.map(({ index, status, error, data }) => [index, error?.type ?? status, data])).toEqual(
    kinds.flatMap(({ end }, row) =>
      Array.from({ length: each }, (_, i) => [
        row * each + i,
        end,
        end === 'succeeded' ? { name: 'Jill', age: 20 + i } : undefined,
      ]),
    ),
  )
  const sum = (name: 'requests' | 'paid' | 'known' | 'repeated') =>
    each * kinds.reduce((total, kind) => total + kind[name], 0)
  expect(counts).toMatchObject({ total: 12 * each, succeeded: 9 * each, failed: 3 * each, waiting: 0, running: 0 })
  expect(usage).toMatchObject({ calls: sum('known'), repeated_calls: sum('repeated') })
  expect(await system.simulator.stats()).toMatchObject({ requests: sum('requests'), paid: sum('paid') })
  for (const tokens of ['input_tokens', 'output_tokens'] as const)
    expect(usage[tokens]).toBe(results.reduce((total, one) => total + (one.usage?.[tokens] ?? 0), 0))
  expect(worker.output()).not.toMatch(/Jill|error/)
})
