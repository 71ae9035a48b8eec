import { parseJson } from '@sluice/contract/json-text'

/** A longer first line is left to the batch. */
const longestBytes = 1_048_576

/** Looks at the first line of a file while its bytes pass. */
export interface FirstLine {
  add(chunk: Buffer): void
  /** All bytes of the file so far. */
  readonly bytes: number
  /** What is wrong with the line, once the file has passed; null: nothing. */
  problem(): string | null
}

export function createFirstLine(): FirstLine {
  let held: Buffer[] = []
  let heldBytes = 0
  let bytes = 0
  let isComplete = false
  return {
    get bytes() {
      return bytes
    },
    add(chunk) {
      bytes += chunk.length
      if (isComplete || heldBytes > longestBytes) return
      const end = chunk.indexOf(0x0a)
      isComplete = end >= 0
      const part = isComplete ? chunk.subarray(0, end) : chunk
      held.push(part)
      heldBytes += part.length
      if (heldBytes > longestBytes) held = []
    },
    problem() {
      if (bytes === 0) return 'the file is empty.'
      if (heldBytes > longestBytes) return null
      const text = Buffer.concat(held)
        .toString('utf8')
        .replace(/^\uFEFF/, '')
      const parsed = parseJson(text)
      if (!parsed.ok) return 'the first line is not valid JSON.'
      const isObject = typeof parsed.value === 'object' && parsed.value !== null && !Array.isArray(parsed.value)
      return isObject ? null : 'the first line is not a JSON object.'
    },
  }
}
