/** Deeper JSON is rejected: no request needs it, and recursive code would exhaust the stack. */
export const maxJsonDepth = 64
/** Values (members and elements) of JSON that is parsed in one step: about 10 ms of a thread and 10 MB of memory. */
export const maxJsonValues = 100_000

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly problem: 'syntax' | 'too_deep' | 'too_many_values'
      readonly message: string
      /** To the value that exceeds a limit; empty for JSON that is not valid. */
      readonly path: readonly PropertyKey[]
    }

/** Texts up to this length cannot hold too many values, so that only their depth is checked. */
const shortLength = 2 * maxJsonValues

/** Which limit a JSON text exceeds; null if none. Whether it is valid JSON is not checked. */
function checkJsonSize(text: string): Extract<ParsedJson, { ok: false }> | null {
  if (text.length <= shortLength && hasFewBrackets(text)) return null
  const bytes = new TextEncoder().encode(text)
  const problem = createJsonScan().feed(bytes)
  return problem === null ? null : describeProblem(problem, bytes)
}

/** Parses JSON from outside after checking its depth and its number of values. */
export function parseJson(text: string): ParsedJson {
  const problem = checkJsonSize(text)
  if (problem !== null) return problem
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch (error) {
    return { ok: false, problem: 'syntax', message: (error as Error).message, path: [] }
  }
}

/** What a JSON value is, as messages name it. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export type ScanProblem = 'too_deep' | 'too_many_values'

export interface JsonScan {
  /** Takes the next bytes; returns null while the text is within the limits. */
  feed(bytes: Uint8Array): ScanProblem | null
  /** Members and elements so far. */
  readonly values: number
  /** The long lists that are members of the root object, cut into groups of elements. */
  readonly lists: readonly ScannedList[]
}

export interface ScannedList {
  /** Offset of the first byte after `[`. */
  readonly start: number
  /** Offset of `]`. */
  end: number
  /** Offsets of the commas at which the list is cut. */
  readonly cuts: number[]
}

/** A group of elements is cut off as soon as it has so many bytes or values: about 1 ms to parse. */
const groupBytes = 64 * 1024
const groupValues = 2_000

/**
 * Checks depth and number of values of a JSON text as its bytes arrive, in constant memory. It checks no syntax: the parser does.
 * Lists that are members of the root object are cut into groups, so that a long one is parsed in steps.
 */
export function createJsonScan({
  maxDepth = maxJsonDepth,
  maxValues = maxJsonValues,
  maxListValues = maxValues,
}: { maxDepth?: number; maxValues?: number; maxListValues?: number } = {}): JsonScan {
  let depth = 0
  let inString = false
  let escaped = false
  let offset = 0
  let rootIsObject = false
  /** Values of the current group of a list. */
  let piece = 1
  let rest = 1
  let listed = 0
  let pieceStart = 0
  let list: ScannedList | null = null
  const lists: ScannedList[] = []

  function feed(bytes: Uint8Array): ScanProblem | null {
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] as number
      if (inString) {
        if (escaped) escaped = false
        else if (byte === 0x5c) escaped = true
        else if (byte === 0x22) inString = false
        continue
      }
      switch (byte) {
        case 0x22:
          inString = true
          break
        case 0x5b:
        case 0x7b:
          depth += 1
          if (depth > maxDepth) return 'too_deep'
          if (depth === 1) rootIsObject = byte === 0x7b
          if (depth === 2 && rootIsObject && byte === 0x5b) {
            list = { start: offset + index + 1, end: -1, cuts: [] }
            lists.push(list)
            piece = 0
            pieceStart = list.start
          }
          if (!count()) return 'too_many_values'
          break
        case 0x5d:
        case 0x7d:
          if (depth === 2 && list !== null) {
            list.end = offset + index
            list = null
          }
          depth -= 1
          break
        case 0x2c:
          if (depth === 2 && list !== null && (piece >= groupValues || offset + index - pieceStart >= groupBytes)) {
            list.cuts.push(offset + index)
            piece = 0
            pieceStart = offset + index + 1
          }
          if (!count()) return 'too_many_values'
          break
        default:
      }
    }
    offset += bytes.length
    return null
  }

  function count(): boolean {
    if (list === null) {
      rest += 1
      return rest <= maxValues
    }
    piece += 1
    listed += 1
    return piece <= maxValues && listed <= maxListValues
  }

  return {
    feed,
    get values() {
      return rest + listed
    },
    lists,
  }
}

/** Limits for the path in an error message, in segments and characters: a path may be as long as the text itself. */
const shownSegments = maxJsonDepth + 1
const shownCharacters = 32

/** The problem that a scan has found, with the path to its place. `bytes`: the text at least up to there. */
export function describeProblem(problem: ScanProblem, bytes: Uint8Array): Extract<ParsedJson, { ok: false }> {
  const path = problem === 'too_deep' ? pathToDepth(bytes, maxJsonDepth) : []
  const message =
    problem === 'too_deep'
      ? `The JSON is nested deeper than ${maxJsonDepth} levels at '#${toPointer(path)}': make it flatter.`
      : `The JSON has more than ${maxJsonValues.toLocaleString('en')} values in one place: split it into smaller parts.`
  return { ok: false, problem, message, path }
}

export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The keys and indexes on the way to the first container that is deeper than `maxDepth`. */
function pathToDepth(bytes: Uint8Array, maxDepth: number): PropertyKey[] {
  /** Of each open container: an index for a list, the last key for an object. */
  const open: PropertyKey[] = []
  let lastString = ''
  for (let index = 0; index < bytes.length; index += 1) {
    switch (bytes[index] as number) {
      case 0x22: {
        const end = endOfString(bytes, index)
        lastString = decode(bytes.subarray(index + 1, end))
        index = end
        break
      }
      case 0x3a:
        if (open.length > 0) open[open.length - 1] = lastString
        break
      case 0x2c:
        if (typeof open.at(-1) === 'number') open[open.length - 1] = (open.at(-1) as number) + 1
        break
      case 0x5b:
      case 0x7b:
        if (open.length === maxDepth) return open.slice(0, shownSegments)
        open.push(bytes[index] === 0x5b ? 0 : '')
        break
      case 0x5d:
      case 0x7d:
        open.pop()
        break
      default:
    }
  }
  return open
}

function endOfString(bytes: Uint8Array, start: number): number {
  let index = start + 1
  while (index < bytes.length && bytes[index] !== 0x22) index += bytes[index] === 0x5c ? 2 : 1
  return index
}

function decode(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 4 * shownCharacters))
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}

/** A text with no more brackets than allowed levels cannot be too deep. `indexOf` is far faster than a loop over characters. */
function hasFewBrackets(text: string): boolean {
  let found = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      found += 1
      if (found > maxJsonDepth) return false
    }
  }
  return true
}
