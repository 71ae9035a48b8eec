import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileScript } from './script.ts'

describe('the header of a script', () => {
  test('names its keys and arguments, on lines that keep their numbers', () => {
    const { source, ...names } = compileScript(
      'a.lua',
      '-- What it does.\n-- KEYS: meta, open\n-- ARGV: index, token\nreturn index',
    )
    expect(names).toEqual({ keys: ['meta', 'open'], args: ['index', 'token'], variadic: null })
    expect(source.split('\n')).toEqual([
      '-- What it does.',
      'local meta, open = KEYS[1], KEYS[2]',
      'local index, token = ARGV[1], ARGV[2]',
      'return index',
    ])
  })

  test('continues over several lines, and ends with a list', () => {
    const { source, ...names } = compileScript('a.lua', '-- KEYS: meta\n-- ARGV: a, b\n-- ARGV: c, others...\n')
    expect(names).toEqual({ keys: ['meta'], args: ['a', 'b', 'c'], variadic: 'others' })
    expect(source).toContain('local a, b = ARGV[1], ARGV[2]')
    expect(source).toContain('local c = ARGV[3] local others = {} for i = 4, #ARGV do others[i - 3] = ARGV[i] end')
  })

  test.each([
    ['-- ARGV: a', "a.lua: its header has no line '-- KEYS: name, name'."],
    ['-- KEYS: meta (a hash)', "a.lua: 'meta (a hash)' in its header is not a name (camelCase)."],
    ['-- KEYS: meta, ', "a.lua: '' in its header is not a name (camelCase)."],
    ['-- KEYS: end', "a.lua: Lua uses the name 'end': choose another one."],
    ['-- KEYS: meta\n-- ARGV: redis', "a.lua: Lua uses the name 'redis': choose another one."],
    ['-- KEYS: meta\n-- ARGV: meta', "a.lua: its header declares 'meta' twice."],
    ['-- KEYS: a, a', "a.lua: its header declares 'a' twice."],
    ['-- KEYS: a\n-- ARGV: a...', "a.lua: its header declares 'a' twice."],
    ['-- KEYS: a\n-- ARGV: all..., b', "a.lua: 'all...' must be the last argument."],
    ['-- KEYS: a\n-- ARGV: all...\n-- ARGV: b', "a.lua: 'all...' must be the last argument."],
    [
      `-- KEYS: ${Array.from({ length: 101 }, (_, i) => `k${i}`).join(', ')}`,
      'a.lua: its header declares more than 100 names.',
    ],
  ])('is refused when it is malformed: %s', (lua, message) => {
    expect(() => compileScript('a.lua', lua)).toThrow(new Error(message))
  })
})

test('no script that names its parameters also reads them by number', () => {
  const root = new URL('../', import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lua'))
  const named = files.filter((name) => /^-- KEYS: [a-zA-Z, ]+$/m.test(readFileSync(new URL(name, root), 'utf8')))
  expect(named.length).toBeGreaterThan(15)
  const byNumber = named.filter((name) => /(KEYS|ARGV)\[/.test(readFileSync(new URL(name, root), 'utf8')))
  expect(byNumber).toEqual([])
})
