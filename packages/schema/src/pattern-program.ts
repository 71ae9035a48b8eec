import { type AST, RegExpParser } from '@eslint-community/regexpp'

/** A pattern as a list of instructions for all its states at once: no backtracking, so no text makes it slow. */
export interface Program {
  readonly operations: readonly Operation[]
  /** Patterns looked for before or after a position; tested by `look` operations. */
  readonly looks: readonly Look[]
  /** Runs from the end of the text to its start. */
  readonly isReversed: boolean
}

export interface Look {
  readonly program: Program
  readonly isNegated: boolean
}

export type Operation =
  | { readonly type: 'set'; readonly has: (code: number) => boolean }
  | { readonly type: 'split'; readonly targets: number[] }
  | { readonly type: 'assert'; readonly kind: 'start' | 'end' | 'boundary' | 'no-boundary' }
  | { readonly type: 'look'; readonly index: number }
  | { readonly type: 'match' }

export interface ParsedPattern {
  readonly program: Program
  /** The text is read by code points. False for patterns that are valid only without the flag `u`, as `[\w-.]`. */
  readonly isUnicode: boolean
}

/** `(a{100}){99}` has 9,900 states: each may cost time for each character of a text. */
const mostOperations = 10_000

/** Throws a SyntaxError that says what is wrong, or what is not supported. */
export function parsePattern(source: string): ParsedPattern {
  const { ast, isUnicode } = parse(source)
  return {
    program: compileProgram(ast.alternatives, { isReversed: false, flags: isUnicode ? 'u' : '', sets: new Map() }),
    isUnicode,
  }
}

/** Whether a text has the syntax of a pattern. */
export function isPattern(source: string): boolean {
  try {
    parse(source)
    return true
  } catch (error) {
    // A RangeError: deeply nested groups exhaust the stack of the parser.
    if (error instanceof SyntaxError || error instanceof RangeError) return false
    throw error
  }
}

function parse(source: string): { ast: AST.Pattern; isUnicode: boolean } {
  if (delimited.test(source))
    throw new SyntaxError('it is written with delimiters, as /^a$/i; write what is between them, and no flags')
  const parser = new RegExpParser()
  const parseAs = (pattern: string, isUnicode: boolean) => ({
    ast: parser.parsePattern(pattern, 0, pattern.length, { unicode: isUnicode }),
    isUnicode,
  })
  try {
    return parseAs(source, true)
  } catch (error) {
    // JSON Schema asks for the flag `u`, many schemas were written without it: with escapes that do nothing, or as `[\w-.]`.
    refuseForeignNotation(source)
    for (const [pattern, isUnicode] of [
      [withoutIdleEscapes(source), true],
      [source, false],
    ] as const) {
      try {
        return parseAs(pattern, isUnicode)
      } catch {
        // The first error is about the pattern as it was written.
      }
    }
    throw error
  }
}

const escapePattern = /\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]+\}|[pP]\{[^}]*\}|[^])/g
/** What other languages write, and what it is in ECMA-262. */
const foreign: Readonly<Record<string, string>> = { A: '^', Z: '$', z: '$', h: '[ \\t]', R: '\\r?\\n' }

/** After the first character of a text there is no start of it: such a pattern matches nothing. */
const delimited = /^\/\^.*\$\/[a-z]*$/s
const posixClass = /\[:\^?[a-z]+:\]/

/** Without `u`, `\A` is the letter A, and `\p{L}` five letters: such a pattern would match what its author did not mean. */
function refuseForeignNotation(source: string): void {
  const posix = posixClass.exec(source)
  if (posix !== null) throw new SyntaxError(`${posix[0]} is not known in ECMA-262; write the characters, as A-Za-z0-9`)
  if (source.includes('&&[')) throw new SyntaxError('set operations in classes, as &&[^a], are not supported')
  for (const match of source.matchAll(escapePattern)) {
    const [escape] = match
    const letter = escape[1]!
    const isOctal = letter === '0' && /\d/.test(source[match.index + 2] ?? '')
    if (isOctal || /[1-9]/.test(letter))
      throw new SyntaxError(`${escape} is a back-reference or an octal code, and both are not supported`)
    if (!/[A-Za-z]/.test(letter) || (escape.length > 2 && !/[pP]/.test(letter)) || 'dDwWsSbBnrtfvk'.includes(letter))
      continue
    if (escape.length > 2 && isProperty(escape)) continue
    const instead = Object.hasOwn(foreign, letter) ? `; write ${foreign[letter]}` : ''
    throw new SyntaxError(`${escape} is not known in ECMA-262${instead}`)
  }
}

function isProperty(escape: string): boolean {
  try {
    new RegExpParser().parsePattern(escape, 0, escape.length, { unicode: true })
    return true
  } catch {
    return false
  }
}

/** `\@` and the like, which `u` does not allow, as `@`. A hyphen stays escaped in a class. */
function withoutIdleEscapes(source: string): string {
  let isClass = false
  return source.replaceAll(/\\[^]|[[\]]/g, (part) => {
    if (part === '[' || part === ']') isClass = part === '['
    else if (/^\\[^\w^$\\.*+?()[\]{}|/]$/.test(part) || part === '\\_')
      return part === '\\-' && isClass ? part : part[1]!
    return part
  })
}

interface Mode {
  readonly isReversed: boolean
  readonly flags: string
  /** Classes by their text: `[a-z]{1000}` needs only one. */
  readonly sets: Map<string, (code: number) => boolean>
}

function compileProgram(alternatives: readonly AST.Alternative[], mode: Mode): Program {
  const operations: Operation[] = []
  const looks: Look[] = []
  const add = (operation: Operation): number => {
    if (operations.length >= mostOperations) throw new SyntaxError(`it has more than ${mostOperations} states`)
    return operations.push(operation) - 1
  }
  // A split with one target is a jump; its target is known once what follows is written.
  const jump = (): { readonly targets: number[] } => {
    const targets: number[] = []
    add({ type: 'split', targets })
    return { targets }
  }

  const anyOf = (all: readonly AST.Alternative[]): void => {
    if (all.length === 1) return sequence(all[0]!.elements)
    const { targets } = jump()
    const ends = all.map(({ elements }) => {
      targets.push(operations.length)
      sequence(elements)
      return jump()
    })
    for (const end of ends) end.targets.push(operations.length)
  }

  const sequence = (elements: readonly AST.Element[]): void => {
    for (const element of mode.isReversed ? elements.toReversed() : elements) one(element)
  }

  const one = (element: AST.Element): void => {
    switch (element.type) {
      case 'Character':
        add({ type: 'set', has: (code) => code === element.value })
        return
      case 'CharacterSet':
      case 'CharacterClass':
        add({ type: 'set', has: setOnce(element.raw, mode) })
        return
      case 'Group':
        if (element.modifiers !== null && element.modifiers !== undefined)
          throw new SyntaxError('modifiers, as in (?i:a), are not supported')
        return anyOf(element.alternatives)
      case 'CapturingGroup':
        return anyOf(element.alternatives)
      case 'Quantifier':
        return repeat(element)
      case 'Assertion':
        return assert(element)
      case 'Backreference':
        throw new SyntaxError(`back-references, as ${element.raw}, are not supported`)
      case 'ExpressionCharacterClass':
        throw new SyntaxError('set operations in classes are not supported')
      default:
        element satisfies never
    }
  }

  const repeat = ({ min, max, element }: AST.Quantifier): void => {
    for (let i = 0; i < min; i += 1) one(element)
    if (max === Number.POSITIVE_INFINITY) {
      const start = operations.length
      const { targets } = jump()
      targets.push(operations.length)
      one(element)
      jump().targets.push(start)
      targets.push(operations.length)
      return
    }
    const exits: number[][] = []
    for (let i = min; i < max; i += 1) {
      const { targets } = jump()
      targets.push(operations.length)
      exits.push(targets)
      one(element)
    }
    for (const targets of exits) targets.push(operations.length)
  }

  const assert = (element: AST.Assertion): void => {
    if (element.kind === 'word') add({ type: 'assert', kind: element.negate ? 'no-boundary' : 'boundary' })
    else if (element.kind === 'start' || element.kind === 'end') add({ type: 'assert', kind: element.kind })
    else if (element.kind === 'lookahead' || element.kind === 'lookbehind') {
      // What follows a position is matched from the end of the text, so that one pass answers for all positions.
      const program = compileProgram(element.alternatives, { ...mode, isReversed: element.kind === 'lookahead' })
      add({ type: 'look', index: looks.push({ program, isNegated: element.negate }) - 1 })
    }
  }

  anyOf(alternatives)
  add({ type: 'match' })
  return { operations, looks, isReversed: mode.isReversed }
}

function setOnce(raw: string, { sets, flags }: Mode): (code: number) => boolean {
  const set = sets.get(raw) ?? setOf(raw, flags)
  sets.set(raw, set)
  return set
}

/** The states of a program, those of its look-arounds included. */
export function countStates({ operations, looks }: Program): number {
  return looks.reduce((sum, look) => sum + countStates(look.program), operations.length)
}

const asciiSize = 128

/** ECMA-262's own classes: each character is put to the engine's RegExp once, and remembered. */
function setOf(raw: string, flags: string): (code: number) => boolean {
  const single = new RegExp(`^(?:${raw})$`, flags)
  const test = (code: number) => single.test(String.fromCodePoint(code))
  const ascii = Uint8Array.from({ length: asciiSize }, (_, code) => Number(test(code)))
  const others = new Map<number, boolean>()
  return (code) => {
    if (code < asciiSize) return ascii[code] === 1
    let known = others.get(code)
    if (known === undefined) {
      known = test(code)
      // A text may hold each of 1.1 million characters.
      if (others.size < 10_000) others.set(code, known)
    }
    return known
  }
}
