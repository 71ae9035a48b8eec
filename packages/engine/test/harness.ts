import { randomBytes } from 'node:crypto'
import type { BatchOptions } from '@sluice/contract/batch'
import type { Extractor } from '@sluice/contract/extractor'
import type { ExtractOptions, ExtractRequest, LongTexts, RawRequest } from '@sluice/contract/extract-function'
import { laneConfig, type LaneConfigInput } from '@sluice/contract/lane'
import type { Call, Outcome } from '@sluice/contract/outcome'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import type { WebhookConfig } from '@sluice/contract/webhook'
import { Redis } from 'ioredis'
import { afterEach, inject, onTestFailed } from 'vitest'
import { createEngine } from '@sluice/engine/create-engine'
import { createWorker } from '@sluice/engine/create-worker'
import type { Engine } from '@sluice/engine/engine'
import { createKeys } from '@sluice/engine/redis/keys'
import type { Schedule } from '@sluice/engine/webhooks/deliver'

type Answer = (request: ExtractRequest, options: ExtractOptions) => Promise<Outcome | Call> | Outcome | Call

export interface TestSluice {
  readonly redisUrl: string
  readonly prefix: string
  readonly redis: Redis
  readonly keys: ReturnType<typeof createKeys>
  /** What `onError` was called with. */
  readonly errors: readonly Error[]
  engine(): Promise<Engine>
  /** Of engines and workers that are created from here on. */
  webhooks: WebhookConfig | undefined
  /** A worker whose provider gives this answer. Closed after the test, without grace, unless the test has closed it. */
  worker(
    answer: Answer,
    options?: {
      concurrency?: number
      retentionMs?: number | null
      longTexts?: LongTexts
      countTokens?: (text: string) => number
      /** The call for a raw request. */
      webhookSchedule?: Schedule
      respond?: (request: RawRequest, options: ExtractOptions) => Promise<Call> | Call
    },
  ): Promise<{ close(graceMs: number): Promise<void> }>
}

const used = new Set<TestSluice & { close(failed: boolean): Promise<void> }>()
const failedTests = new Set<string>()

/** A separate key prefix on the suite's Redis, or on another one. Its keys are kept when the test failed. */
export function testSluice(
  lane: Partial<LaneConfigInput> = {},
  redisUrl = inject('redisUrl'),
  /** Where the test itself reads and cleans up. */
  ownUrl = redisUrl,
): TestSluice {
  const prefix = `test-${randomBytes(5).toString('hex')}`
  const redis = new Redis(ownUrl, { maxRetriesPerRequest: null })
  // It comes back by itself; what a test needs of it fails, or waits.
  redis.on('error', () => {})
  const keys = createKeys(prefix)
  const lanes = { default: laneConfig.parse({ model: 'test', ...lane }) }
  const errors: Error[] = []
  const closers: (() => Promise<unknown>)[] = []
  onTestFailed(() => {
    failedTests.add(prefix)
    console.error(
      `The keys ${prefix}:* are kept on ${redisUrl}. Errors seen: ${[...new Set(errors.map((error) => error.message))].slice(0, 20).join('; ') || 'none'}`,
    )
  })
  const onError = (error: Error) => errors.push(error)
  const own = () => (sluice.webhooks === undefined ? {} : { webhooks: sluice.webhooks })
  const sluice: TestSluice & { close(failed: boolean): Promise<void> } = {
    webhooks: undefined,
    redisUrl,
    prefix,
    redis,
    keys,
    errors,
    async engine() {
      const engine = await createEngine({ redisUrl, prefix, lanes, ...own(), onError })
      closers.push(async () => engine[Symbol.asyncDispose]())
      return engine
    },
    async worker(
      answer: Answer,
      {
        concurrency = 10,
        retentionMs = null,
        longTexts,
        countTokens = () => 10,
        webhookSchedule,
        respond = () => {
          throw new Error('This worker answers no raw requests.')
        },
      }: Parameters<TestSluice['worker']>[1] = {},
    ) {
      const worker = await createWorker({
        redisUrl,
        prefix,
        lanes,
        concurrency,
        retentionMs,
        ...own(),
        ...(webhookSchedule === undefined ? {} : { webhookSchedule }),
        onError,
        provider: () => ({
          ...(longTexts === undefined ? {} : { longTexts }),
          estimateTokens: (request) =>
            request.task === 'request'
              ? { input: countTokens(request.body), mostOutput: null }
              : { input: countTokens(request.text), mostOutput: request.extractor.parameters.max_tokens ?? null },
          extract: async (request, options) =>
            request.task === 'request' ? respond(request, options) : toCall(await answer(request, options)),
        }),
      })
      closers.push(() => worker.close(0))
      return worker
    },
    async close() {
      for (const close of closers.toReversed()) await close()
      if (!failedTests.has(prefix)) {
        for await (const found of redis.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
          const names = found as string[]
          if (names.length > 0) await redis.unlink(...names)
        }
      }
      redis.disconnect()
    },
  }
  used.add(sluice)
  return sluice
}

afterEach(async () => {
  for (const sluice of used) await sluice.close(false)
  used.clear()
})

function toCall(outcome: Outcome | Call): Call {
  if ('outcome' in outcome) return outcome
  const answered = outcome.type === 'extracted' || outcome.type === 'invalid-output'
  return {
    outcome,
    usage: answered ? { input_tokens: 10, output_tokens: 5 } : { input_tokens: 0, output_tokens: 0 },
    cachedInputTokens: 0,
    raw: answered ? JSON.stringify('data' in outcome ? outcome.data : 'bad') : null,
    limits: null,
    latencyMs: 1,
  }
}

export const extracted = (data: unknown): Outcome => ({ type: 'extracted', data })
export const broken = (answered = true): Outcome => ({
  type: 'unavailable',
  message: 'HTTP 500',
  retryAfterMs: 0,
  timedOut: false,
  answered,
})

export const inline: Extractor = {
  object: 'extractor',
  name: null,
  version: 0,
  schema: { type: 'object' },
  instructions: '',
  lane: 'default',
  parameters: {},
  reasks: 2,
  created_at: 0,
}

export const options: BatchOptions = { priority: 10, metadata: {} }

export function texts(count: number): { id: string; text: string }[] {
  return Array.from({ length: count }, (_, index) => ({ id: String(index), text: `text ${index}` }))
}

export async function readAll(
  engine: Engine,
  batchId: string,
  query: Partial<ResultsQuery> = {},
  limitMs = 45_000,
): Promise<Result[]> {
  const all: Result[] = []
  const signal = AbortSignal.timeout(limitMs)
  for await (const page of await engine.results.read(batchId, { order: 'input', follow: true, ...query }, { signal }))
    all.push(...page)
  if (signal.aborted) throw new Error(`The results did not end within ${limitMs} ms; ${all.length} came.`)
  return all
}
