import type { LaneConfigInput } from '@sluice/contract/lane'
import { laneConfig } from '@sluice/contract/lane'
import type { Extractor } from '@sluice/contract/extractor'
import { splitBySize } from '@sluice/text/split-by-size'
import { createEstimateTokens } from '@sluice/text/estimate-tokens'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLongTexts } from './long-texts.ts'

const extractor: Extractor = {
  object: 'extractor',
  name: null,
  version: 0,
  schema: {
    type: 'object',
    properties: { names: { type: 'array', items: { type: 'string' }, maxItems: 3 } },
    required: ['names'],
  },
  instructions: 'Who is it?',
  lane: 'default',
  parameters: {},
  reasks: 2,
  created_at: 0,
}
const estimateTokens = createEstimateTokens()
const open = (lane: Partial<LaneConfigInput> = {}, hasOwnCheck = false) =>
  createLongTexts(laneConfig.parse({ model: 'm', ...lane }), {
    estimateTokens,
    splitter: { split: async (text, size) => splitBySize(text, size) },
    hasOwnCheck: () => hasOwnCheck,
  })

test('a text is split only if the lane has a context that it does not fit', async () => {
  const text = 'My name is Ann. '.repeat(1_000)
  expect(await open().cut(extractor, text)).toBeNull()
  expect(await open({ contextTokens: 10_000 }).cut(extractor, text)).toBeNull()
  expect((await open({ contextTokens: 1_000 }).cut(extractor, text))!.length).toBeGreaterThan(3)
  // The instructions alone fill the context: the provider has to report that.
  const wordy = { ...extractor, instructions: 'word '.repeat(400) }
  expect(await open({ contextTokens: 300 }).cut(wordy, text)).toBeNull()
})

test('each part fits the context, together with the instructions and the longest answer', async () => {
  const words = fc.array(fc.lorem({ maxCount: 30, mode: 'sentences' }), { minLength: 20, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      words,
      fc.integer({ min: 400, max: 2_000 }),
      fc.option(fc.integer({ min: 10, max: 200 })),
      async (sentences, contextTokens, most) => {
        const limited = most === null ? extractor : { ...extractor, parameters: { max_tokens: most } }
        const text = sentences.join(' ')
        const ranges = (await open({ contextTokens }).cut(limited, text)) ?? [{ start: 0, end: text.length }]
        expect([ranges[0]!.start, ranges.at(-1)!.end]).toEqual([0, text.length])
        for (const { start, end } of ranges) {
          const { input } = estimateTokens({ extractor: limited, text: text.slice(start, end), reasks: [] })
          expect(input + (most ?? contextTokens / 4)).toBeLessThanOrEqual(contextTokens)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('the answers to the parts are merged, and the merged answer must fit the schema', () => {
  expect(open().join(extractor, [{ names: ['Ann'] }, { names: ['Ann', 'Bob'] }])).toEqual({
    valid: true,
    data: { names: ['Ann', 'Bob'] },
    sources: { '/names/0': 0, '/names/1': 1 },
  })
  const many = [{ names: ['a', 'b'] }, { names: ['c', 'd'] }]
  expect(open().join(extractor, many)).toMatchObject({ valid: false, errors: [expect.stringContaining('/names')] })
  expect(open({}, true).join(extractor, many)).toMatchObject({ valid: true })
})
