import type { LongTexts } from '@sluice/contract/extract-function'
import { describe, expect, test } from 'vitest'
import { broken, extracted, inline, options, readAll, testSluice } from './harness.ts'

/** Cuts a text at its bars, and joins the answers in a list. */
const atBars: LongTexts = {
  async cut(_, text) {
    if (!text.includes('|')) return null
    let start = 0
    return text.split('|').map((part) => {
      const range = { start, end: start + part.length }
      start = range.end + 1
      return range
    })
  },
  join: (_, answers) =>
    answers.some((answer) => answer === 'unfit')
      ? { valid: false, errors: ['/all: is unfit'] }
      : { valid: true, data: { all: answers }, sources: { '/all/0': 0 } },
}
const items = (...texts: string[]) => texts.map((text, index) => ({ id: String(index), text }))

describe('a text that is longer than the context', () => {
  test('is sent part by part, and has one result', async () => {
    const sluice = testSluice({ prices: { input: 1, output: 1 } })
    const engine = await sluice.engine()
    const asked: unknown[] = []
    await sluice.worker(
      ({ text, part }) => {
        if (part !== undefined) asked.push([text, part])
        return extracted(text)
      },
      { longTexts: atBars },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options }, items('whole', 'a|bb|c'))
    const [whole, parts] = await readAll(engine, batch.id)
    expect(whole).toMatchObject({ data: 'whole', attempts: 1 })
    expect(whole).not.toHaveProperty('parts')
    expect(parts).toMatchObject({
      status: 'succeeded',
      data: { all: ['a', 'bb', 'c'] },
      parts: {
        ranges: [
          { start: 0, end: 1 },
          { start: 2, end: 4 },
          { start: 5, end: 6 },
        ],
        sources: { '/all/0': 0 },
      },
      attempts: 3,
      usage: { input_tokens: 30, output_tokens: 15 },
      cost_usd: 0.000_045,
    })
    expect(asked).toEqual([
      ['a', { index: 0, count: 3 }],
      ['bb', { index: 1, count: 3 }],
      ['c', { index: 2, count: 3 }],
    ])
    expect(await engine.batches.get(batch.id)).toMatchObject({
      usage: { calls: 4, repeated_calls: 0 },
      cost_usd: 0.000_06,
    })
  })

  test('keeps its answers when its worker dies: only the part in flight is sent again', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const asked: string[] = []
    const stuck = Promise.withResolvers<void>()
    const first = await sluice.worker(
      async ({ text }, { signal }) => {
        asked.push(text)
        if (text !== 'c') return extracted(text)
        stuck.resolve()
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
        })
        throw new Error('unreachable')
      },
      { longTexts: atBars },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options }, items('a|b|c|d'))
    await stuck.promise
    await first.close(0)
    await sluice.worker(
      ({ text }) => {
        asked.push(text)
        return extracted(text)
      },
      { longTexts: atBars },
    )
    expect(await readAll(engine, batch.id)).toMatchObject([{ data: { all: ['a', 'b', 'c', 'd'] }, attempts: 4 }])
    expect(asked).toEqual(['a', 'b', 'c', 'c', 'd'])
    expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: 4, repeated_calls: 1 })
  })

  test('has the budgets of an item for each part', async () => {
    const sluice = testSluice({ retry: { unavailable: 3, baseMs: 1, capMs: 1 } })
    const engine = await sluice.engine()
    const calls = new Map<string, number>()
    await sluice.worker(
      ({ text, reasks }) => {
        const made = (calls.get(text) ?? 0) + 1
        calls.set(text, made)
        if (made <= 2) return broken()
        return reasks.length < 2 ? { type: 'invalid-output', errors: [`try ${reasks.length}`] } : extracted(text)
      },
      { longTexts: atBars },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options }, items('a|b'))
    expect(await readAll(engine, batch.id)).toMatchObject([{ data: { all: ['a', 'b'] }, attempts: 10 }])
  })

  test('fails when one part fails, or when its answers cannot be joined', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(({ text }) => (text === 'no' ? { type: 'refused', message: 'I will not.' } : extracted(text)), {
      longTexts: atBars,
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, items('a|no|c', 'a|unfit'))
    expect((await readAll(engine, batch.id)).map(({ error, usage }) => [error, usage?.input_tokens])).toEqual([
      [{ type: 'refused', message: 'Part 2 of 3: I will not.' }, 10],
      [{ type: 'invalid_output', message: '/all: is unfit' }, 20],
    ])
  })
})
