import { checkJsonSize } from '@sluice/contract/json-text'

/** The JSON of an answer, or why there is none, as one line that can be shown to the model. */
export type ParsedAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string }

/**
 * Parses an answer that ended by itself. Repairs only what cannot change its meaning: a byte-order mark, one code fence, prose around
 * the last balanced object. Brackets are never closed: a quarter of cut-off answers would become wrong but valid data.
 */
export function parseAnswer(text: string): ParsedAnswer {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') return { ok: false, error: 'the answer is empty; answer with one JSON object' }
  const direct = parse(trimmed)
  if (direct.ok) return direct
  const fenced = /^```[a-z]*\s*\n([\s\S]*?)\n?```$/i.exec(trimmed)?.[1]
  for (const candidate of [fenced, lastObject(trimmed)]) {
    if (candidate === undefined) continue
    const parsed = parse(candidate)
    if (parsed.ok) return parsed
  }
  return direct
}

function parse(text: string): ParsedAnswer {
  const tooLarge = checkJsonSize(text)
  if (tooLarge !== null) return { ok: false, error: `the answer is not usable: ${tooLarge.message}` }
  let lossy: string | undefined
  try {
    // A reviver sees the source of a number: integers beyond 2^53 would be rounded in silence.
    const value: unknown = JSON.parse(text, (_key, inner: unknown, context?: { source?: string }) => {
      if (typeof inner === 'number' && Number.isInteger(inner) && !Number.isSafeInteger(inner)) lossy = context?.source
      return inner
    })
    if (lossy !== undefined)
      return { ok: false, error: `the number ${lossy} is too large to be exact; write it as a string` }
    return { ok: true, value }
  } catch (error) {
    return { ok: false, error: `the answer is not valid JSON: ${(error as Error).message}` }
  }
}

/** The last `{...}` whose brackets balance outside of strings. */
function lastObject(text: string): string | undefined {
  let found: string | undefined
  let depth = 0
  let start = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"' && depth > 0) inString = true
    else if (character === '{') {
      if (depth === 0) start = at
      depth += 1
    } else if (character === '}' && depth > 0) {
      depth -= 1
      if (depth === 0) found = text.slice(start, at + 1)
    }
  }
  return found
}
