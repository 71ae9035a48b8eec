import { answerLimits } from './answer-limits.ts'
import type { Pace } from './pace.ts'
import { endOfString } from './parse-answer-strings.ts'
import { type ReadValue, readValue } from './parse-answer-value.ts'

/** The fast path: JSON as it is, which `JSON.parse` reads, unless it would silently change something. Null: not JSON. */
export async function readPlain(text: string, pace: Pace): Promise<ReadValue | null> {
  const scan = scanText(text)
  if (scan === null) return null
  await pace.afterLong(text)
  if (scan.isBeyondLimits) return readValue(text, 0, 'same-kind', pace)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  await pace.afterLong(text)
  // A key that is given twice is there once.
  if (!scan.isDoubtful && scan.keys === countKeys(value)) return { ok: true, value, end: text.length, repaired: false }
  return readValue(text, 0, 'same-kind', pace)
}

interface TextScan {
  readonly keys: number
  /** `JSON.parse` would take long. */
  readonly isBeyondLimits: boolean
  /** A number may be rounded. */
  readonly isDoubtful: boolean
}

/** Counts what is outside of strings. Null: a string does not end, or there is too much outside of strings. */
function scanText(text: string): TextScan | null {
  let keys = 0
  let values = 1
  let outside = 0
  let depth = 0
  let wideKeys = 0
  let digits = 0
  let isDoubtful = false
  let isTooDeep = false
  /** Keys of each open object. */
  const counts = [0]
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    outside += 1
    if (outside > answerLimits.characters) return null
    if (code >= 48 && code <= 57) {
      digits += 1
      if (digits > 15) isDoubtful = true
      continue
    }
    // An exponent may make a number infinite.
    if (digits > 0 && (code === 69 || code === 101)) isDoubtful = true
    digits = 0
    if (code === 34) {
      at = endOfString(text, at)
      if (at === -1) return null
    } else if (code === 58) {
      keys += 1
      if ((counts[depth]! += 1) > answerLimits.wideObject) wideKeys += 1
    } else if (code === 44) values += 1
    else if (code === 123 || code === 91) {
      depth += 1
      if (depth > answerLimits.levels) isTooDeep = true
      else counts[depth] = 0
    } else if ((code === 125 || code === 93) && depth > 0) depth -= 1
  }
  const isBeyondLimits = isTooDeep || values > answerLimits.values || wideKeys > answerLimits.wideKeys
  return { keys, isBeyondLimits, isDoubtful }
}

function countKeys(value: unknown): number {
  let count = 0
  const open: unknown[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const inner: unknown[] = Object.values(next)
    if (!Array.isArray(next)) count += inner.length
    for (const one of inner) if (typeof one === 'object') open.push(one)
  }
  return count
}
