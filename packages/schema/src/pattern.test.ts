import { fc } from '../../../test/support/property.ts'
import { describe, expect, it } from 'vitest'
import { createBudget } from './budget.ts'
import { compilePattern, patternProblem } from './pattern.ts'

const matches = (pattern: string, text: string) => compilePattern(pattern).test(text, createBudget())

/** Patterns over few letters, so that random texts often match. */
const piece = fc.letrec<{ piece: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      'é',
      '💩',
      '.',
      '\\d',
      '\\w',
      '\\s',
      '\\S',
      '[ab]',
      '[^a]',
      '\\p{L}',
      '[\\p{N}é-ü]',
      '\\u{1F4A9}',
    ),
    tie('piece').map((inner) => `(${inner})`),
    tie('piece').map((inner) => `(?:${inner})`),
    tie('piece').map((inner) => `(?=${inner})`),
    tie('piece').map((inner) => `(?!${inner})`),
    tie('piece').map((inner) => `(?<=${inner})`),
    tie('piece').map((inner) => `(?<!${inner})`),
    fc.constantFrom('^', '$', '\\b', '\\B'),
  ),
  piece: fc
    .array(
      fc.oneof(
        { maxDepth: 2 },
        tie('atom'),
        fc
          .tuple(
            fc.constantFrom('a', 'b', '.', '[ab]', '\\w'),
            fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '+?'),
          )
          .map(([atom, quantifier]) => atom + quantifier),
        fc
          .tuple(tie('piece'), fc.constantFrom('*', '+', '?', '{0,2}'))
          .map(([inner, quantifier]) => `(?:${inner})${quantifier}`),
        fc.tuple(tie('piece'), tie('piece')).map(([one, other]) => `(?:${one}|${other})`),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((parts) => parts.join('')),
})).piece
const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', 'é', '💩', '\n', '_', '\u2028'), maxLength: 8 })

describe('a pattern', () => {
  it('matches what the RegExp of ECMA-262 matches', () => {
    fc.assert(
      fc.property(piece, text, (pattern, value) => {
        expect([pattern, value, matches(pattern, value)]).toEqual([
          pattern,
          value,
          new RegExp(pattern, 'u').test(value),
        ])
      }),
      { numRuns: 1_000, interruptAfterTimeLimit: 20_000 },
    )
  })

  it.each([
    ['^\\S(|(.|\\n)*\\S)$', 'a\nb', true],
    ['^.$', '💩', true],
    ['^\\s+$', '\u00a0\ufeff\u2028', true],
    ['^\\d$', '߀', false],
    ['^\\p{Letter}+$', 'Ωж', true],
    ['^a$', 'a\n', false],
    ['^[\\w-.]+$', 'a-b.c', true],
    ['^(?=.*[A-Z])(?=.*\\d).{8,}$', 'passWord1', true],
    ['^(?!.*\\.\\.)[a-z.]+$', 'a..b', false],
    ['(?<=\\$)\\d+', 'cost: $5', true],
    ['^[^\\ud800]$', '💩', true],
  ])('%s on %j: %s', (pattern, value, verdict) => {
    expect(matches(pattern, value)).toBe(verdict)
  })

  it.each([
    ['(a)\\1', /back-references/],
    ['(?i:a)', /modifiers/],
    ['(?i)a', /Invalid group/],
    ['a(', /Unterminated group/],
    ['(?:a{1000}){1000}', /more than 10000 states/],
  ])('%s is refused by its reason', (pattern, reason) => {
    expect(() => compilePattern(pattern)).toThrow(reason)
  })

  it('with look-around can be run, but is not one that a provider takes', () => {
    expect(patternProblem('^(?!x)a$')).toMatch(/look-ahead/)
    expect(patternProblem('^a$')).toBeNull()
  })
})
