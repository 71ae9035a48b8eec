import { z } from 'zod'

const positive = z.int().min(1)
const periodS = z
  .int()
  .min(1)
  .max(31 * 86_400)
const attempts = z.int().min(1).max(1_000)

/** A provider + model + credentials with its own queue, limits, prices and retry policy. Written in code (camel case), never over HTTP. */
export const laneConfig = z
  .strictObject({
    /** The provider's API. `openai`: Chat Completions, which most servers offer. */
    protocol: z.enum(['openai']).default('openai'),
    /** Address of the API, such as `http://127.0.0.1:8000/v1`. Default: api.openai.com. */
    baseUrl: z.url().optional(),
    /** Leave out for a server that needs no key. */
    apiKey: z.string().min(1).optional(),
    /** Sent with each request, such as `{ 'api-key': '...' }` for Azure. */
    headers: z
      .record(
        z
          .string()
          .regex(/^[\w!#$%&'*+.^`|~-]+$/)
          .toLowerCase(),
        z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/),
      )
      .default({}),
    model: z.string().min(1),
    /**
     * Further names that raw requests may use as their `model`, each with the name that the provider knows, such as
     * `{ 'gpt-4.1-mini': 'mistral-small' }`. `'*': '*'` accepts every other name and sends it as it is.
     */
    models: z
      .record(z.string().min(1).max(256), z.string().min(1).max(256))
      .refine(
        (models) => models['*'] === undefined || models['*'] === '*',
        "'*' stands for every other name: write '*': '*'",
      )
      .default({}),
    /** How the schema is enforced: strict mode, JSON mode with the schema in the prompt, or the prompt alone. */
    structuredOutput: z.enum(['json_schema', 'json_object', 'prompt']).default('json_schema'),
    /** Requests and tokens per minute. Default: learned from the provider's headers. */
    rpm: positive.optional(),
    tpm: positive.optional(),
    /** Further limits, all enforced together, such as `{ requests: 10, perS: 1 }` or `{ tokens: 5_000_000, perS: 86_400 }`. */
    limits: z
      .array(
        z.union([
          z.strictObject({ requests: positive, perS: periodS }),
          z.strictObject({ tokens: positive, perS: periodS }),
        ]),
      )
      .max(8)
      .default([]),
    /**
     * The longest that the provider may make the lane wait, in seconds, whatever it asks for; then one call looks again. A limit of a day
     * may take until its own reset.
     */
    longestWaitS: z.int().min(1).max(86_400).default(600),
    /** Calls in flight of all workers together. Default: limited by each worker's concurrency only. */
    maxInFlight: positive.optional(),
    /**
     * Calls in flight when no limit is configured and the provider reports none. `adaptive`: each worker adds calls as long as throughput
     * rises, up to its concurrency; `fixed`: always its concurrency.
     */
    concurrency: z.enum(['adaptive', 'fixed']).default('adaptive'),
    /**
     * The most tokens of a call, including its answer. A longer text is split into parts, each part is sent in its own call, and the answers
     * are merged. Default: every text is sent whole, and the provider rejects texts that are too long.
     */
    contextTokens: z.int().min(256).optional(),
    /**
     * The most tokens that an answer may have on this lane. An answer that was cut off at a smaller `max_tokens` is asked for once more
     * with this limit. Default: a quarter of `contextTokens`, for extractors with a `max_tokens`.
     */
    maxOutputTokens: positive.optional(),
    /** Limit for one call, in milliseconds. */
    timeoutMs: z.int().min(100).max(3_600_000).default(120_000),
    retry: z
      .strictObject({
        /** Calls that may end in a time-out, a 5xx or a broken connection before the item fails. */
        unavailable: attempts.default(8),
        /** First wait; doubles each time, with full jitter. */
        baseMs: z.int().min(1).default(500),
        capMs: z.int().min(1).default(60_000),
      })
      .prefault({}),
    /** US dollars per million tokens. Without prices no cost is reported. */
    prices: z
      .strictObject({
        input: z.number().min(0),
        cachedInput: z.number().min(0).optional(),
        output: z.number().min(0),
      })
      .optional(),
  })
  .superRefine(({ rpm, tpm, limits }, context) => {
    const taken = new Set([...(rpm === undefined ? [] : ['requests 60']), ...(tpm === undefined ? [] : ['tokens 60'])])
    limits.forEach((limit, i) => {
      const name = `${'requests' in limit ? 'requests' : 'tokens'} ${limit.perS}`
      if (taken.has(name))
        context.addIssue({
          code: 'custom',
          path: ['limits', i],
          message: 'there is another limit of this kind and period',
        })
      taken.add(name)
    })
  })
export type LaneConfig = z.infer<typeof laneConfig>
export type LaneConfigInput = z.input<typeof laneConfig>
