import type { AfterTruncation, ExtractRequest, LongTexts, TextRange } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { Tries } from '../ledger/run.ts'
import type { StoredResult } from '../ledger/stored-result.ts'

/** Cuts the text of an item that is taken for the first time. From then on the ranges of its parts are stored with its tries. */
export async function withParts(
  tries: Tries,
  longTexts: LongTexts,
  extractor: Extractor,
  text: string,
): Promise<Tries> {
  if (tries.parts !== undefined) return tries
  const ranges = await longTexts.cut(extractor, text)
  return ranges === null ? tries : { ...tries, parts: { ranges, answers: [] } }
}

/** The next call's request: the whole text, or its first part without an answer. */
export function nextRequest(recipe: Extractor, text: string, { parts, reasks, maxTokens }: Tries): ExtractRequest {
  const extractor = typeof maxTokens === 'number' ? withMaxTokens(recipe, maxTokens) : recipe
  if (parts === undefined) return { extractor, text, reasks }
  const index = parts.answers.length
  const range = parts.ranges[index]
  if (range === undefined) throw new Error(`There is no part ${index} in a text of ${parts.ranges.length} parts.`)
  return { extractor, text: text.slice(range.start, range.end), reasks, part: { index, count: parts.ranges.length } }
}

/** What the item has used after a part got its answer `data`: the next part starts with fresh budgets. Null after the last part, and without parts. */
export function afterPart(tries: Tries, data: unknown): Tries | null {
  const { parts } = tries
  if (parts === undefined || parts.answers.length + 1 >= parts.ranges.length) return null
  const { splits: _splits, ...rest } = tries
  return { ...rest, unavailable: 0, reasks: [], parts: { ...parts, answers: [...parts.answers, data] } }
}

/** Splits the text, or its part that is next, at `ranges` of it. Errors of answers to the longer text do not count for the parts. */
export function splitPart(tries: Tries, ranges: readonly TextRange[]): Tries {
  const { parts } = tries
  if (parts === undefined) return { ...tries, reasks: [], parts: { ranges, answers: [] } }
  const index = parts.answers.length
  const from = parts.ranges[index]?.start ?? 0
  const moved = ranges.map(({ start, end }) => ({ start: from + start, end: from + end }))
  return { ...tries, reasks: [], parts: { ...parts, ranges: parts.ranges.toSpliced(index, 1, ...moved) } }
}

const enlarged = new WeakMap<Extractor, Extractor>()

/** The same object each time, because what is derived from an extractor is kept by it. */
function withMaxTokens(extractor: Extractor, maxTokens: number): Extractor {
  let larger = enlarged.get(extractor)
  if (larger?.parameters.max_tokens !== maxTokens) {
    larger = { ...extractor, parameters: { ...extractor.parameters, max_tokens: maxTokens } }
    enlarged.set(extractor, larger)
  }
  return larger
}

/** Adds to an error message which part of the text it is about. */
export function ofPart({ parts }: Tries, message: string): string {
  return parts === undefined ? message : `Part ${parts.answers.length + 1} of ${parts.ranges.length}: ${message}`
}

/** The answer to the whole text, once its last part has the answer `data`. */
export function wholeAnswer(
  { parts, repaired }: Tries,
  longTexts: LongTexts,
  extractor: Extractor,
  data: unknown,
):
  | {
      readonly valid: true
      readonly data: unknown
      readonly repaired?: true
      readonly parts?: NonNullable<StoredResult['parts']>
    }
  | { readonly valid: false; readonly errors: readonly string[] } {
  const how = repaired === undefined ? {} : { repaired }
  if (parts === undefined) return { valid: true, data, ...how }
  const joined = longTexts.join(extractor, [...parts.answers, data])
  if (!joined.valid) return joined
  return {
    valid: true,
    data: joined.data,
    ...how,
    parts: { ranges: [...parts.ranges], sources: { ...joined.sources } },
  }
}

/** What can be done about an answer that was cut off; undefined: nothing. */
export async function optionsAfterTruncation(
  longTexts: LongTexts,
  {
    extractor,
    cutsTexts,
    text,
    tries,
  }: { readonly extractor: Extractor; readonly cutsTexts: boolean; readonly text: string; readonly tries: Tries },
): Promise<AfterTruncation | undefined> {
  const options = await longTexts.afterTruncation?.(nextRequest(extractor, text, tries))
  // The answers to the parts of a summary's text would not make one summary.
  return options === undefined || cutsTexts ? options : { ...options, parts: null }
}

/** For a lane that sends every text whole. */
export const wholeTexts: LongTexts = {
  cut: async () => null,
  join() {
    throw new Error('No text was cut.')
  },
}
