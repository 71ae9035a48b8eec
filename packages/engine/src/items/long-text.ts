import type { ExtractRequest, LongTexts } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { Tries } from '../ledger/run.ts'
import type { StoredResult } from '../ledger/stored-result.ts'

/** An item's text is cut when it is first taken up; from then on its parts stand in the ledger with what it has used. */
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

/** The next call's request: the text, or the first part of it that has no answer. */
export function nextRequest(extractor: Extractor, text: string, { parts, reasks }: Tries): ExtractRequest {
  if (parts === undefined) return { extractor, text, reasks }
  const index = parts.answers.length
  const range = parts.ranges[index]
  if (range === undefined) throw new Error(`An item of ${parts.ranges.length} parts has no part ${index}.`)
  return { extractor, text: text.slice(range.start, range.end), reasks, part: { index, count: parts.ranges.length } }
}

/** A part has its answer: the next one has its own budgets. Null where it was the last one, or there are none. */
export function afterPart(tries: Tries, data: unknown): Tries | null {
  const { parts } = tries
  if (parts === undefined || parts.answers.length + 1 >= parts.ranges.length) return null
  return { ...tries, unavailable: 0, reasks: [], parts: { ...parts, answers: [...parts.answers, data] } }
}

/** Whose error it is, where a text has parts. */
export function ofPart({ parts }: Tries, message: string): string {
  return parts === undefined ? message : `Part ${parts.answers.length + 1} of ${parts.ranges.length}: ${message}`
}

/** What is recorded when the last part has its answer `data`. */
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

/** Every text is sent as it is. */
export const wholeTexts: LongTexts = {
  cut: async () => null,
  join() {
    throw new Error('No text was cut.')
  },
}
