import type { ExtractRequest, LongTexts } from '@sluice/contract/extract-function'
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
export function nextRequest(extractor: Extractor, text: string, { parts, reasks }: Tries): ExtractRequest {
  if (parts === undefined) return { extractor, text, reasks }
  const index = parts.answers.length
  const range = parts.ranges[index]
  if (range === undefined) throw new Error(`There is no part ${index} in a text of ${parts.ranges.length} parts.`)
  return { extractor, text: text.slice(range.start, range.end), reasks, part: { index, count: parts.ranges.length } }
}

/** What the item has used once a part has its answer `data`: the next part has budgets of its own. Null after the last part, and without parts. */
export function afterPart(tries: Tries, data: unknown): Tries | null {
  const { parts } = tries
  if (parts === undefined || parts.answers.length + 1 >= parts.ranges.length) return null
  return { ...tries, unavailable: 0, reasks: [], parts: { ...parts, answers: [...parts.answers, data] } }
}

/** Adds to an error message which part of the text it is about. */
export function ofPart({ parts }: Tries, message: string): string {
  return parts === undefined ? message : `Part ${parts.answers.length + 1} of ${parts.ranges.length}: ${message}`
}

/** The answer to the whole text, once its last part has the answer `data`. */
export function wholeAnswer(
  { parts }: Tries,
  longTexts: LongTexts,
  extractor: Extractor,
  data: unknown,
):
  | { readonly valid: true; readonly data: unknown; readonly parts?: NonNullable<StoredResult['parts']> }
  | { readonly valid: false; readonly errors: readonly string[] } {
  if (parts === undefined) return { valid: true, data }
  const joined = longTexts.join(extractor, [...parts.answers, data])
  if (!joined.valid) return joined
  return { valid: true, data: joined.data, parts: { ranges: [...parts.ranges], sources: { ...joined.sources } } }
}

/** For a lane that sends every text whole. */
export const wholeTexts: LongTexts = {
  cut: async () => null,
  join() {
    throw new Error('No text was cut.')
  },
}
