import type { EstimateTokens, Extract, RawRequest } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Call, Outcome } from '@sluice/contract/outcome'
import { createEstimateTokens } from '@sluice/text/estimate-tokens'
import { checkAnswer, type Refine } from './check-answer.ts'
import type { PreparedExtractor, Reply } from './protocol.ts'
import { protocols } from './protocols.ts'

/** Characters of an answer that are kept: it is stored with each item that fails, and sent again with each re-ask. */
const longestRaw = 64 * 1024
/** Characters of an error line or a refusal: they may contain the model's own words. */
const longestErrorLine = 500

export interface ProviderOptions {
  /** The check written in code for an extractor; undefined where it has none. */
  readonly refine?: (extractor: Extractor) => Refine | undefined
}

export interface Provider extends AsyncDisposable {
  readonly extract: Extract
  readonly estimateTokens: EstimateTokens
}

/** One lane's model. Each `extract` is one request: nothing is retried here, and everything that was paid for is kept. */
export function createProvider(lane: LaneConfig, { refine = () => undefined }: ProviderOptions = {}): Provider {
  const connection = protocols[lane.protocol].connect(lane)
  const preparedExtractors = new WeakMap<Extractor, PreparedExtractor>()

  return {
    estimateTokens: createEstimateTokens(),
    async extract(request, { signal }) {
      signal.throwIfAborted()
      const startMs = performance.now()
      if (request.task === 'request') return pass(request, startMs, signal)
      const prepared = prepare(request.extractor)
      const { result, tokens, raw, limits } = await prepared.send(request, { signal })
      const latencyMs = performance.now() - startMs
      return {
        outcome: await toOutcome(result, request.extractor, prepared),
        usage: { input_tokens: tokens.input, output_tokens: tokens.output },
        cachedInputTokens: tokens.cachedInput,
        raw: raw === null ? null : cut(raw, longestRaw),
        limits,
        latencyMs,
      }
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }

  async function pass(request: RawRequest, startMs: number, signal: AbortSignal): Promise<Call> {
    const { result, response, tokens, limits } = await connection.pass(request, { signal })
    return {
      outcome: result,
      usage: { input_tokens: tokens.input, output_tokens: tokens.output },
      cachedInputTokens: tokens.cachedInput,
      raw: null,
      ...(response === null ? {} : { response }),
      limits,
      latencyMs: performance.now() - startMs,
    }
  }

  function prepare(extractor: Extractor): PreparedExtractor {
    let prepared = preparedExtractors.get(extractor)
    if (prepared === undefined) {
      prepared = connection.prepare(extractor)
      preparedExtractors.set(extractor, prepared)
    }
    return prepared
  }

  async function toOutcome(
    result: Reply['result'],
    extractor: Extractor,
    prepared: PreparedExtractor,
  ): Promise<Outcome> {
    if (result.type === 'refused') return { ...result, message: cut(result.message, longestErrorLine) }
    if (result.type !== 'answered') return result
    const checked = await checkAnswer(result.content, extractor.schema, { form: prepared, refine: refine(extractor) })
    switch (checked.type) {
      case 'valid':
        return { type: 'extracted', data: checked.data, ...(checked.repaired ? { repaired: true } : {}) }
      case 'invalid':
        return { type: 'invalid-output', errors: checked.errors.map((line) => cut(line, longestErrorLine)) }
      case 'author-error':
        return { type: 'broken-check', message: checked.message }
      default:
        return checked satisfies never
    }
  }
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
