import type { AfterTruncation, LongTexts } from '@sluice/contract/extract-function'
import type { Outcome } from '@sluice/contract/outcome'
import { describe, expect, test } from 'vitest'
import { extracted, inline, options, readAll, testSluice } from './harness.ts'

const cutOff: Outcome = { type: 'truncated', message: 'The answer was cut off.' }
const items = (...texts: string[]) => texts.map((text, index) => ({ id: String(index), text }))
const limited = { ...inline, parameters: { max_tokens: 10 } }

/** Allows the larger limit, and splits in the middle down to one character. */
const longTexts = (maxTokens: number | null): LongTexts => ({
  cut: async () => null,
  join: (_, answers) => ({ valid: true, data: { all: answers }, sources: {} }),
  async afterTruncation({ text }): Promise<AfterTruncation> {
    const middle = Math.ceil(text.length / 2)
    const parts = [
      { start: 0, end: middle },
      { start: middle, end: text.length },
    ]
    return { maxTokens, parts: text.length < 2 ? null : parts }
  },
})

describe('an item whose answer is cut off', () => {
  test('is asked once more with the largest limit, never twice with the same one', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const asked: unknown[] = []
    await sluice.worker(
      ({ text, extractor }) => {
        asked.push(extractor.parameters.max_tokens)
        return extractor.parameters.max_tokens === 10 ? cutOff : extracted(text)
      },
      { longTexts: longTexts(80) },
    )
    const { batch } = await engine.batches.create({ extractor: limited, options }, items('ab'))
    expect(await readAll(engine, batch.id)).toMatchObject([{ status: 'succeeded', data: 'ab', attempts: 2 }])
    expect(asked).toEqual([10, 80])
  })

  test('is asked in parts when the largest limit does not suffice, each part once', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const asked: unknown[] = []
    await sluice.worker(
      ({ text, part, extractor }) => {
        asked.push([text, extractor.parameters.max_tokens, part?.index, part?.count])
        return text.length > 2 ? cutOff : extracted(text)
      },
      { longTexts: longTexts(80) },
    )
    const { batch } = await engine.batches.create({ extractor: limited, options }, items('abcdefg'))
    expect(await readAll(engine, batch.id)).toMatchObject([
      {
        data: { all: ['ab', 'cd', 'ef', 'g'] },
        parts: {
          ranges: [
            { start: 0, end: 2 },
            { start: 2, end: 4 },
            { start: 4, end: 6 },
            { start: 6, end: 7 },
          ],
        },
        attempts: 8,
      },
    ])
    expect(asked).toEqual([
      ['abcdefg', 10, undefined, undefined],
      ['abcdefg', 80, undefined, undefined],
      ['abcd', 80, 0, 2],
      ['ab', 80, 0, 3],
      ['cd', 80, 1, 3],
      ['efg', 80, 2, 3],
      ['ef', 80, 2, 4],
      ['g', 80, 3, 4],
    ])
  })

  test('fails when the model does not stop, after few calls', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(() => cutOff, { longTexts: longTexts(80) })
    const { batch } = await engine.batches.create({ extractor: limited, options }, items('x'.repeat(1_000)))
    expect(await readAll(engine, batch.id)).toMatchObject([
      { status: 'failed', error: { type: 'truncated' }, attempts: 5 },
    ])
  })

  test('fails at once when the lane allows no larger limit and the text cannot be split', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(() => cutOff, { longTexts: longTexts(null) })
    const { batch } = await engine.batches.create({ extractor: limited, options }, items('x'))
    expect(await readAll(engine, batch.id)).toMatchObject([
      { error: { type: 'truncated', message: 'The answer was cut off.' }, attempts: 1 },
    ])
  })

  test('is split when the larger limit may cost more than the batch may', async () => {
    const sluice = testSluice({ prices: { input: 0, output: 1_000_000 } })
    const engine = await sluice.engine()
    const asked: unknown[] = []
    await sluice.worker(
      ({ text, extractor }) => {
        asked.push([text, extractor.parameters.max_tokens])
        return text === 'ab' ? cutOff : extracted(text)
      },
      { longTexts: longTexts(1_000) },
    )
    const { batch } = await engine.batches.create(
      { extractor: limited, options: { ...options, max_cost_usd: 100 } },
      items('ab'),
    )
    expect(await readAll(engine, batch.id)).toMatchObject([{ data: { all: ['a', 'b'] } }])
    expect(asked).toEqual([
      ['ab', 10],
      ['a', 10],
      ['b', 10],
    ])
  })
})

test('a result says that its answer was repaired, also when only a part of it was', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  await sluice.worker(
    ({ text }) => {
      if (text.length > 2) return cutOff
      return text === 'a' || text === 'cd' ? { type: 'extracted', data: text, repaired: true } : extracted(text)
    },
    { longTexts: longTexts(null) },
  )
  const { batch } = await engine.batches.create({ extractor: inline, options }, items('a', 'b', 'cdef'))
  const results = await readAll(engine, batch.id)
  expect(results.map(({ repaired }) => repaired)).toEqual([true, undefined, true])
})

test('an error in the code of an extractor fails the item as internal_error, and nothing is asked again', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  await sluice.worker(() => ({ type: 'broken-check', message: "The code of the extractor 'x' threw TypeError at /a." }))
  const { batch } = await engine.batches.create({ extractor: inline, options }, items('a'))
  expect(await readAll(engine, batch.id)).toMatchObject([
    {
      status: 'failed',
      error: { type: 'internal_error', message: "The code of the extractor 'x' threw TypeError at /a." },
      attempts: 1,
    },
  ])
})
