import { LRUCache } from 'lru-cache'
import { type Budget, spend } from './budget.ts'
import {
  countStates,
  type Look,
  type Operation,
  parsePattern,
  type ParsedPattern,
  type Program,
} from './pattern-program.ts'

export interface Matcher {
  /** Searches anywhere in the text, as JSON Schema says. Steps are counted: states times characters at most. */
  test(text: string, budget: Budget): boolean
  /** What it costs in memory: some 100 bytes each. */
  readonly states: number
}

type Compiled = { readonly matcher: Matcher; readonly isPlain: boolean } | { readonly problem: string }

const kept = new LRUCache<string, Compiled>({
  maxSize: 200_000,
  sizeCalculation: (value, text) => 10 + text.length + ('matcher' in value ? value.matcher.states : 0),
})

/** A pattern of ECMA-262 that runs in time linear in its text, look-around included. Throws a SyntaxError where that is not possible. */
export function compilePattern(pattern: string): Matcher {
  const compiled = compileOnce(pattern)
  if ('problem' in compiled) throw new SyntaxError(compiled.problem)
  return compiled.matcher
}

/** Why a pattern is not a plain regular expression (look-around, back-references, bad syntax), or null. Providers take no others. */
export function patternProblem(pattern: string): string | null {
  const compiled = compileOnce(pattern)
  if ('problem' in compiled) return compiled.problem
  return compiled.isPlain ? null : 'it has look-ahead or look-behind'
}

function compileOnce(pattern: string): Compiled {
  let compiled = kept.get(pattern)
  if (compiled === undefined) {
    try {
      const parsed = parsePattern(pattern)
      compiled = { matcher: createMatcher(parsed), isPlain: parsed.program.looks.length === 0 }
    } catch (error) {
      // Deeply nested groups exhaust the stack of the parser.
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error
      compiled = { problem: error instanceof RangeError ? 'it is nested too deep' : reasonOf(error) }
    }
    kept.set(pattern, compiled)
  }
  return compiled
}

function createMatcher(parsed: ParsedPattern): Matcher {
  return {
    states: countStates(parsed.program),
    test(text, budget) {
      if (!mayStart(parsed, text)) {
        spend(budget, 2)
        return false
      }
      // 40: a search in the shortest text takes 0.5 to 1.5 µs.
      spend(budget, 40 + text.length / 8)
      return search(parsed.program, parsed.isUnicode ? codePoints(text) : codeUnits(text), budget)
    },
  }
}

/** Without the pattern, which the parser's message repeats. */
function reasonOf(error: SyntaxError): string {
  return error.message.replace(/^Invalid regular expression: \/[^]*\/[a-z]*: /, '')
}

/** Whether a pattern that begins with `^` and a character can match at all: most patterns for names of properties do not. */
function mayStart({ program: { operations }, isUnicode }: ParsedPattern, text: string): boolean {
  const [first, second] = operations
  if (first?.type !== 'assert' || first.kind !== 'start' || second?.type !== 'set') return true
  const code = isUnicode ? text.codePointAt(0) : text.charCodeAt(0)
  return code !== undefined && !Number.isNaN(code) && second.has(code)
}

function codePoints(text: string): Int32Array {
  const codes = new Int32Array(text.length)
  let count = 0
  for (let i = 0; i < text.length; i += 1) {
    const code = text.codePointAt(i)!
    if (code > 0xffff) i += 1
    codes[count] = code
    count += 1
  }
  return codes.subarray(0, count)
}

function codeUnits(text: string): Int32Array {
  const codes = new Int32Array(text.length)
  for (let i = 0; i < text.length; i += 1) codes[i] = text.charCodeAt(i)
  return codes
}

/** Positions at which each look-around of a program holds. */
type Held = readonly Uint8Array[]

function search(program: Program, codes: Int32Array, budget: Budget): boolean {
  const held = program.looks.map((look) => positionsOf(look, codes, budget))
  let found = false
  simulate(program, codes, held, budget, () => {
    found = true
    return false
  })
  return found
}

function positionsOf({ program, isNegated }: Look, codes: Int32Array, budget: Budget): Uint8Array {
  const held = program.looks.map((look) => positionsOf(look, codes, budget))
  const positions = new Uint8Array(codes.length + 1).fill(isNegated ? 1 : 0)
  spend(budget, codes.length)
  simulate(program, codes, held, budget, (position) => {
    positions[position] = isNegated ? 0 : 1
    return true
  })
  return positions
}

/** Buffers of a program, used again for each text: most texts are shorter than it takes to make them. */
interface Scratch {
  states: Int32Array
  next: Int32Array
  /** The step at which each operation was entered last; steps are counted over all texts. */
  readonly stamps: Float64Array
  stamp: number
}

const scratches = new WeakMap<Program, Scratch>()

function scratchOf(program: Program): Scratch {
  let scratch = scratches.get(program)
  if (scratch === undefined) {
    const size = program.operations.length
    scratch = { states: new Int32Array(size), next: new Int32Array(size), stamps: new Float64Array(size), stamp: 0 }
    scratches.set(program, scratch)
  }
  return scratch
}

/** Runs all states at once over the text, a new match beginning at each position. `onMatch` gets where one ends, and returns whether to go on. */
function simulate(
  program: Program,
  codes: Int32Array,
  held: Held,
  budget: Budget,
  onMatch: (position: number) => boolean,
): void {
  const { operations, isReversed } = program
  const scratch = scratchOf(program)
  let { states, next } = scratch
  const { stamps } = scratch
  const stack: number[] = []
  let matched = false

  /** Adds an operation and all that are reached from it without a character. */
  const enter = (first: number, list: Int32Array, count: number, position: number): number => {
    const { stamp } = scratch
    let length = count
    stack.push(first)
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (stamps[index] === stamp) continue
      stamps[index] = stamp
      budget.steps -= 1
      const operation = operations[index]!
      switch (operation.type) {
        case 'set':
          list[length] = index
          length += 1
          break
        case 'split':
          for (const target of operation.targets) stack.push(target)
          break
        case 'assert':
          if (asserts(operation.kind, codes, position)) stack.push(index + 1)
          break
        case 'look':
          if (held[operation.index]![position] === 1) stack.push(index + 1)
          break
        case 'match':
          matched = true
          break
        default:
          operation satisfies never
      }
    }
    return length
  }

  const canOnlyStartFirst = !isReversed && startsAtStart(operations)
  let count = 0
  for (let step = 0; step <= codes.length; step += 1) {
    const position = isReversed ? codes.length - step : step
    scratch.stamp += 1
    matched = false
    if (step === 0) count = enter(0, states, 0, position)
    else {
      const code = codes[isReversed ? position : position - 1]!
      let length = 0
      for (let i = 0; i < count; i += 1) {
        const index = states[i]!
        const operation = operations[index]!
        if (operation.type === 'set' && operation.has(code)) length = enter(index + 1, next, length, position)
      }
      spend(budget, count + 1)
      if (!canOnlyStartFirst) length = enter(0, next, length, position)
      ;[states, next] = [next, states]
      count = length
    }
    if (matched && !onMatch(position)) return
    if (count === 0 && canOnlyStartFirst) return
  }
}

function startsAtStart([first]: readonly Operation[]): boolean {
  return first?.type === 'assert' && first.kind === 'start'
}

function asserts(kind: Extract<Operation, { type: 'assert' }>['kind'], codes: Int32Array, position: number): boolean {
  switch (kind) {
    case 'start':
      return position === 0
    case 'end':
      return position === codes.length
    case 'boundary':
      return isWord(codes[position - 1]) !== isWord(codes[position])
    case 'no-boundary':
      return isWord(codes[position - 1]) === isWord(codes[position])
    default:
      return kind satisfies never
  }
}

function isWord(code: number | undefined): boolean {
  if (code === undefined) return false
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122)
}
