import { batchOptions, type BatchStatus } from '@sluice/contract/batch'
import { exampleOption } from '@sluice/contract/option-example'
import { expect, test } from 'vitest'
import { ConflictError, InvalidRequestError } from './errors.ts'
import { createHttp } from './http.ts'
import type { SubmitOptions, WorkOptions } from './options.ts'
import type { JsonSchema } from './schema.ts'
import { type Asked, batchBody, refused, scriptedFetch } from './scripted-fetch.ts'
import { type Extraction, readExtraction, submitTexts } from './submit.ts'

const extraction: Extraction = readExtraction({ schema: { type: 'object' }, concurrency: 2 })
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i} ${'x'.repeat(200)}`)

function submitting(
  texts: Iterable<string>,
  answer: (asked: Asked, count: number) => Response | Promise<Response>,
  options: SubmitOptions = {},
) {
  const { fetch, asked } = scriptedFetch(answer)
  const http = createHttp({ baseUrl: 'http://sluice.test', fetch })
  return { asked, submitted: submitTexts(http, texts, extraction, options) }
}

/** A server that takes uploads as the real one does, and lets the `breaks`-th request for items break when it has half of it. */
function uploadServer({ breaks = 0, staged = [] as string[], refuse = 0 } = {}) {
  const state = { staged, status: 'uploading' as BatchStatus, removed: false }
  let appends = 0
  const body = () => batchBody({ status: state.status }, state.staged.length)
  return {
    state,
    answer: ({ method, path, query, body: text }: Asked): Response => {
      if (method === 'DELETE') {
        state.removed = true
        return Response.json({ id: 'batch_1', object: 'batch', deleted: true })
      }
      if (path.endsWith('/seal')) state.status = 'in_progress'
      if (path.endsWith('/items')) {
        appends += 1
        const lines = text.split('\n')
        if (appends === refuse) return refused(400, 'invalid_request_error', 'duplicate_id')
        if (Number(query.get('from')) !== state.staged.length) return refused(409, 'conflict_error', 'upload_position')
        const arrived = appends === breaks ? lines.slice(0, lines.length / 2) : lines
        state.staged.push(...arrived.map((line) => JSON.parse(line) as string))
        if (appends === breaks) throw new TypeError('fetch failed')
      }
      return Response.json(body())
    },
  }
}

test('a few texts are sent in one request, with the extractor and a unique key', async () => {
  const { submitted, asked } = submitting(['a', 'b'], () => Response.json(batchBody({}, 2)))
  expect((await submitted)?.id).toBe('batch_1')
  expect(asked).toHaveLength(1)
  expect(JSON.parse(asked[0]!.body)).toEqual({
    items: ['a', 'b'],
    extractor: { schema: { type: 'object' } },
    concurrency: 2,
  })
  expect(asked[0]?.headers.get('idempotency-key')).toMatch(/^[0-9a-f]{32}$/)
})

test('a request whose answer is lost is repeated under the same key', async () => {
  const { submitted, asked } = submitting(['a'], (_, count) => {
    if (count === 1) throw new TypeError('fetch failed')
    return Response.json(batchBody())
  })
  await submitted
  expect(new Set(asked.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1)
  expect(asked).toHaveLength(2)
})

test('without texts there is no batch', async () => {
  const { submitted, asked } = submitting([], () => Response.json(batchBody()))
  expect(await submitted).toBeNull()
  expect(asked).toHaveLength(0)
})

test('many texts are uploaded in pieces, each read when the one before has arrived', async () => {
  const texts = many(30_000)
  const server = uploadServer()
  let furthest = 0
  function* reading() {
    for (const text of texts) {
      // At most a piece of 1, 2 or 4 million characters is held that is not staged.
      furthest = Math.max(furthest, Number.parseInt(text, 10) - server.state.staged.length)
      yield text
    }
  }
  const { submitted, asked } = submitting(reading(), server.answer)
  await submitted
  expect(server.state).toMatchObject({ staged: texts, status: 'in_progress', removed: false })
  expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual([
    'uploads',
    'items',
    'items',
    'items',
    'items',
    'seal',
  ])
  expect(furthest).toBeLessThan(20_000)
})

test('a broken upload continues where the server stopped', async () => {
  const texts = many(12_000)
  const server = uploadServer({ breaks: 2 })
  await submitting(texts, server.answer).submitted
  expect(server.state.staged).toEqual(texts)
})

test('an upload that was started under the same key continues, and a sealed one is not sent again', async () => {
  const texts = many(12_000)
  const server = uploadServer({ staged: texts.slice(0, 9_000) })
  const { submitted, asked } = submitting(texts, server.answer, { idempotencyKey: 'mine' })
  await submitted
  expect(server.state.staged).toEqual(texts)
  expect(asked.find(({ path }) => path.endsWith('/items'))?.query.get('from')).toBe('9000')

  const again = submitting(texts, server.answer, { idempotencyKey: 'mine' })
  await again.submitted
  expect(again.asked.map(({ path }) => path)).toEqual(['/v1/batches/uploads'])
})

test('an upload that cannot be finished is removed, unless it can continue under its key', async () => {
  const bad = uploadServer({ refuse: 2 })
  await expect(submitting(many(12_000), bad.answer).submitted).rejects.toBeInstanceOf(InvalidRequestError)
  expect(bad.state.removed).toBe(true)

  const kept = uploadServer({ refuse: 2 })
  await expect(submitting(many(12_000), kept.answer, { idempotencyKey: 'mine' }).submitted).rejects.toThrow(
    'duplicate_id',
  )
  expect(kept.state.removed).toBe(false)
})

test.each(['cancel', 'detach'] as const)('an abort while the request is in flight: %s', async (onAbort) => {
  const stop = new AbortController()
  const cancelled: string[] = []
  const { submitted } = submitting(
    ['a'],
    async ({ path }) => {
      if (path.endsWith('/cancel')) cancelled.push(path)
      else {
        stop.abort(new Error('enough'))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return Response.json(batchBody())
    },
    { signal: stop.signal, onAbort },
  )
  await expect(submitted).rejects.toThrow('enough')
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(cancelled).toEqual(onAbort === 'cancel' ? ['/v1/batches/batch_1/cancel'] : [])
})

test('a key that was used with another input is a conflict', async () => {
  const { submitted } = submitting(['a'], () => refused(409, 'conflict_error', 'idempotency_key_reused'))
  await expect(submitted).rejects.toBeInstanceOf(ConflictError)
})

test('a call with neither schema nor extractor is rejected, and a named extractor is sent as its name', () => {
  expect(() => readExtraction({} as never)).toThrow('Give a schema, or the name of an extractor')
  expect(readExtraction({ extractor: 'person@2' })).toMatchObject({ extractor: 'person@2', options: {} })
})

const everyOption = Object.entries(batchOptions.shape).map(([name, schema]) => [name, exampleOption(schema)] as const)

test.each(everyOption)('the option %s arrives at the server, in one request and in an upload', async (name, value) => {
  const withOption = readExtraction({ schema: { type: 'object' }, [name]: value })
  for (const texts of [['a'], many(30_000)]) {
    const { answer } = uploadServer()
    const { fetch, asked } = scriptedFetch(answer)
    await submitTexts(createHttp({ baseUrl: 'http://sluice.test', fetch }), texts, withOption, {})
    const { items: _items, extractor: _extractor, ...sent } = JSON.parse(asked[0]!.body) as Record<string, unknown>
    expect(sent).toEqual({ [name]: value })
    expect(batchOptions.safeParse(sent).success).toBe(true)
  }
})

test('options that act in the client are not sent, and an unknown option is, so that the server can name it', () => {
  const work: WorkOptions<JsonSchema> = {
    schema: { type: 'object' },
    instructions: 'Names only.',
    lane: 'fast',
    parameters: { seed: 1 },
    reasks: 0,
    idempotencyKey: 'k',
    signal: new AbortController().signal,
    onAbort: 'detach',
    onProgress: () => {},
    returnExceptions: true,
  }
  const mistyped = { concurency: 2 }
  const { extractor, options } = readExtraction({ ...work, ...mistyped })
  expect(options).toEqual({ concurency: 2 })
  expect(extractor).toEqual({
    schema: { type: 'object' },
    instructions: 'Names only.',
    lane: 'fast',
    parameters: { seed: 1 },
    reasks: 0,
  })
})

test('an option of an inline extractor is rejected, and named, when a stored extractor is given', () => {
  const part = { lane: 'fast' }
  expect(() => readExtraction({ extractor: 'person', ...part })).toThrow("lane: It is part of the extractor 'person'")
})
