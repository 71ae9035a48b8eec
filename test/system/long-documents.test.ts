import { expect, test } from 'vitest'
import { makePdf } from '../../packages/documents/test/pdfs.ts'
import { startSystem } from '../support/system.ts'

const extractor = {
  instructions: 'List the people that the text is about.',
  schema: {
    type: 'object',
    properties: {
      people: {
        type: 'array',
        items: {
          type: 'object',
          properties: { name: { type: 'string' }, age: { type: 'integer' } },
          required: ['name', 'age'],
          additionalProperties: false,
        },
      },
    },
    required: ['people'],
    additionalProperties: false,
  },
}

const names = ['Ann', 'Bob', 'Cleo', 'Dora', 'Eve', 'Fred', 'Gina', 'Hank', 'Ida', 'Jack', 'Kate', 'Leo']
const filler = 'The weather was as it had been all week and nobody spoke of it any more. '

test('a PDF that is longer than the context is extracted in parts, through the death of a worker, and each value names the part it came from', async () => {
  const system = await startSystem({
    env: { SLUICE_CONTEXT_TOKENS: '700' },
    simulator: { SIMULATOR_LATENCY_MS: '300' },
  })
  const worker = await system.worker()
  const pages = names.map((name, i) => `My name is ${name} and I am ${30 + i} years old.\n\n${filler.repeat(8)}`)
  const form = new FormData()
  form.append('batch', JSON.stringify({ extractor }))
  form.append('documents', new Blob([await makePdf(pages)]), 'people.pdf')
  const response = await fetch(`${system.url}/v1/batches`, { method: 'POST', body: form })
  const { id } = (await response.json()) as { id: string }

  await system.until(id, ({ usage }) => usage.calls >= 2)
  await worker.stop('SIGKILL')
  await system.worker()
  const [result] = await system.results(id)
  expect(result).toMatchObject({ id: 'people.pdf', status: 'succeeded' })
  const { people } = result!.data as { people: { name: string; age: number }[] }
  expect(people).toEqual(names.map((name, i) => ({ name, age: 30 + i })))

  const { ranges, sources } = result!.parts!
  expect(ranges.length).toBeGreaterThan(3)
  expect(Object.keys(sources)).toEqual(people.map((_, i) => `/people/${i}`))
  expect(Object.values(sources)).toEqual(Object.values(sources).toSorted((a, b) => a - b))
  expect(Object.values(sources).at(-1)).toBeGreaterThan(2)
  const { usage } = await system.batch(id)
  expect(usage.repeated_calls).toBeLessThanOrEqual(1)
  expect((await system.simulator.stats()).requests).toBeLessThanOrEqual(ranges.length + 1)
})
