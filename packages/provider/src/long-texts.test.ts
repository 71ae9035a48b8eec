import type { LaneConfigInput } from '@sluice/contract/lane'
import { laneConfig } from '@sluice/contract/lane'
import type { Extractor } from '@sluice/contract/extractor'
import { splitBySize } from '@sluice/text/split-by-size'
import { createEstimateTokens } from '@sluice/text/estimate-tokens'
import { fc } from '../../../test/support/property.ts'
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

test.each<[string, Partial<LaneConfigInput>, number | undefined, number | null]>([
  ['up to the lane’s largest answer', { maxOutputTokens: 4_000 }, 100, 4_000],
  ['up to a quarter of the context', { contextTokens: 8_000 }, 100, 2_000],
  ['that still fits the context', { contextTokens: 600, maxOutputTokens: 5_000 }, 100, 560],
  ['for an extractor without a limit', { maxOutputTokens: 4_000 }, undefined, 4_000],
  ['but none where nothing is known', {}, 100, null],
  [
    'but none where the extractor has no limit, so the model has written all it can',
    { contextTokens: 8_000 },
    undefined,
    null,
  ],
  ['but none that is not larger', { maxOutputTokens: 100 }, 100, null],
])('an answer that was cut off may have a larger limit %s', async (_, lane, maxTokens, expected) => {
  const parameters = maxTokens === undefined ? {} : { max_tokens: maxTokens }
  const request = { extractor: { ...extractor, parameters }, text: 'Who?', reasks: [] }
  const options = await open(lane).afterTruncation!(request)
  if (expected === null) expect(options.maxTokens).toBeNull()
  else {
    expect(options.maxTokens).toBeLessThanOrEqual(expected)
    expect(options.maxTokens).toBeGreaterThan(0.9 * expected)
  }
})

test('a text whose answer was cut off is split into about two parts, also without a context', async () => {
  const text = 'My name is Ann. '.repeat(200)
  const { parts } = await open().afterTruncation!({ extractor, text, reasks: [] })
  expect(parts!.length).toBeGreaterThan(1)
  expect(parts!.length).toBeLessThan(4)
  expect(parts![0]!.start).toBe(0)
  expect(parts!.at(-1)!.end).toBe(text.length)
  expect((await open().afterTruncation!({ extractor, text: 'My name is Ann.', reasks: [] })).parts).toBeNull()
})
