import { describe, expect, test } from 'vitest'
import { createBudget } from './budget.ts'
import { compilePattern } from './pattern.ts'

const read: [name: string, pattern: string, matches: string[], others: string[]][] = [
  ['pattern lookbehind', '(?<=\\$)\\d+', ['$5'], ['5']],
  ['neg lookbehind', '(?<!\\$)\\b\\d+', ['5'], ['$5']],
  ['p + idle', '^\\p{L}\\-\\@x$', ['é-@x'], ['p{L}-@x']],
  ['\\p{L}', '^\\p{L}+$', ['é日'], ['1']],
  ['\\p{Script=Greek}', '^\\p{Script=Greek}+$', ['αβ'], ['ab']],
  ['emoji dot', '^.$', ['😀', 'a'], ['ab', '\n']],
  ['emoji class', '^[😀-😂]$', ['😁'], ['x']],
  ['surrogate escape', '^\\ud83d\\ude00$', ['😀'], []],
  ['\\s nbsp', '^\\s$', [' ', '﻿'], ['᠎']],
  ['\\d ascii', '^\\d$', ['1'], ['١']],
  ['\\w ascii', '^\\w$', [], ['é']],
  ['\\b', '\\bfoo\\b', ['a foo b'], ['afoo']],
  ['\\cA', '^\\cA$', ['\u0001'], []],
  ['$ newline', '^a$', [], ['a\n']],
  ['dotall', '^a[^]b$', ['a\nb'], []],
  ['[\\w-.]', '^[\\w-.]+$', ['a-b.c'], ['a b']],
  ['escaped -', '^[a\\-z]+$', ['a-z'], ['b']],
  ['escaped @', '^\\@\\w$', ['@a'], []],
  ['{ literal', '^{a}$', ['{a}'], []],
  ['x{,3}', '^x{,3}$', ['x{,3}'], ['xx']],
  ['empty alt', '^(|a)$', ['', 'a'], ['b']],
  ['[^]', '^[^]$', ['a'], []],
  ['[]', '[]', [], ['a']],
  ['lazy', '^a+?$', ['aaa'], []],
  ['octal', '^\\0$', ['\u0000'], []],
]

/** Notations of other languages: read without the flag `u` they would silently match something else. */
const refused: [name: string, pattern: string][] = [
  ['backref', '(a)\\1'],
  ['named backref', '(?<x>a)\\k<x>'],
  ['bad pattern', '('],
  ['inline flags', '(?i)abc'],
  ['python named', '(?P<x>a)'],
  ['possessive', 'a++'],
  ['atomic', '(?>a)'],
  ['\\A \\Z', '\\Aabc\\Z'],
  ['\\p{IsLetter}', '\\p{IsLetter}'],
  ['x{2,1}', 'x{2,1}'],
]

describe('a pattern is read as ECMA-262 says:', () => {
  test.each(read)('%s', (_, pattern, matches, others) => {
    const matcher = compilePattern(pattern)
    for (const text of matches) expect([text, matcher.test(text, createBudget())]).toEqual([text, true])
    for (const text of others) expect([text, matcher.test(text, createBudget())]).toEqual([text, false])
  })
})

describe('a pattern that ECMA-262 does not know is refused:', () => {
  test.each(refused)('%s', (_, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(SyntaxError)
  })
})
