import type { EstimateTokens, Extract } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Outcome } from '@sluice/contract/outcome'
import { dropAddedNulls } from '@sluice/schema/null-drop'
import { compileSchema } from '@sluice/schema/validator'
import { createEstimateTokens } from '@sluice/text/estimate-tokens'
import { parseAnswer } from './parse-answer.ts'
import type { PreparedExtractor, Reply } from './protocol.ts'
import { protocols } from './protocols.ts'

/** Characters of an answer that are kept: it is stored with each item that fails, and sent again with each re-ask. */
const longestRaw = 64 * 1024
/** Characters of an error line or a refusal: they may contain the model's own words. */
const longestErrorLine = 500

/** Replaces the validation by JSON Schema, for extractors written in code. Errors: one line each, path first. */
type Refine = (
  data: unknown,
) => Promise<{ readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly errors: readonly string[] }>

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
    { addedNulls }: PreparedExtractor,
  ): Promise<Outcome> {
    if (result.type === 'refused') return { ...result, message: cut(result.message, longestErrorLine) }
    if (result.type !== 'answered') return result
    const checked = await check(result.content, extractor, addedNulls)
    return checked.ok
      ? { type: 'extracted', data: checked.data }
      : { type: 'invalid-output', errors: checked.errors.map((line) => cut(line, longestErrorLine)) }
  }

  async function check(content: string, extractor: Extractor, addedNulls: boolean): ReturnType<Refine> {
    const parsed = parseAnswer(content)
    if (!parsed.ok) return { ok: false, errors: [parsed.error] }
    try {
      const data = addedNulls ? dropAddedNulls(extractor.schema, parsed.value) : parsed.value
      const ownCheck = refine(extractor)
      if (ownCheck !== undefined) return await ownCheck(data)
      const validation = compileSchema(extractor.schema).validate(data)
      return validation.valid ? { ok: true, data } : { ok: false, errors: validation.errors }
    } catch (error) {
      // The answer exhausts the stack, or the check written in code threw. The error's message may quote the answer: only its name is kept.
      const name = error instanceof Error ? error.name : typeof error
      return { ok: false, errors: [`/: the answer could not be checked (${name})`] }
    }
  }
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
