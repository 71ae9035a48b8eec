import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadScript } from '@sluice/engine/redis/script'
import { afterAll, describe, expect, test } from 'vitest'
import { testSluice } from './harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-scripts-'))
afterAll(() => rmSync(folder, { recursive: true }))

function script(name: string, lua: string) {
  writeFileSync(join(folder, name), lua)
  return loadScript(pathToFileURL(join(folder, name)))
}

const echo = script(
  'echo.lua',
  `-- KEYS: first, second
-- ARGV: index, token
-- ARGV: others...
return { first, second, index, token, #others, others }`,
)

describe('a Lua script', () => {
  test('gets keys and arguments by name, whatever the order of the caller, and not the keys that it does not name', async () => {
    const { redis, prefix } = testSluice()
    const keys = { third: 'c', second: `{${prefix}}:b`, first: `{${prefix}}:a` }
    const reply = await echo(redis, keys, { others: ['x', 2], token: Buffer.from('t'), index: 5 })
    expect(reply).toEqual([`{${prefix}}:a`, `{${prefix}}:b`, '5', 't', 2, ['x', '2']])
  })

  test('takes a list of thousands', async () => {
    const { redis, prefix } = testSluice()
    const others = Array.from({ length: 20_000 }, (_, i) => i)
    const reply = await echo(redis, { first: prefix, second: prefix }, { index: 0, token: '', others })
    expect(reply).toEqual([prefix, prefix, '0', '', 20_000, others.map(String)])
  })

  test('runs on a Redis that has never seen it, and again by its hash', async () => {
    const { redis, prefix } = testSluice()
    const keys = { first: prefix, second: prefix }
    const unseen = script('unseen.lua', `-- KEYS: first\nreturn '${prefix}'`)
    expect(await unseen(redis, keys)).toBe(prefix)
    expect(await unseen(redis, keys)).toBe(prefix)
  })

  test('inserts the files that it includes, which have no header', async () => {
    const { redis, prefix } = testSluice()
    writeFileSync(join(folder, 'double.lua'), 'local function double(n) return 2 * n end\n')
    const doubled = script('doubled.lua', '-- KEYS: first\n-- ARGV: n\n-- include: double.lua\nreturn double(n)')
    expect(await doubled(redis, { first: prefix }, { n: 21 })).toBe(42)
    writeFileSync(join(folder, 'double.lua'), '-- KEYS: other\n')
    expect(() => loadScript(pathToFileURL(join(folder, 'doubled.lua')))).toThrow(
      'double.lua, included by doubled.lua: an included file has no KEYS, ARGV or include line.',
    )
  })

  const keys = { first: 'a', second: 'b' }
  const args = { index: 5, token: 't', others: [] }
  const wrongValue = 'must be a string, a number or a Buffer.'
  const wrongList = "echo.lua: the argument 'others' must be a list of strings, numbers or Buffers."
  test.each<[string, object, Record<string, unknown>]>([
    ["echo.lua: the key 'second' is missing.", { first: 'a' }, args],
    ["echo.lua: the key 'second' is missing.", { first: 'a', second: undefined }, args],
    ["echo.lua: there is no argument 'nwo'. It takes: index, token, others.", keys, { ...args, nwo: 5 }],
    [`echo.lua: the argument 'index' ${wrongValue}`, keys, { token: 't', others: [] }],
    [`echo.lua: the argument 'index' ${wrongValue}`, keys, { ...args, index: null }],
    [`echo.lua: the argument 'token' ${wrongValue}`, keys, { ...args, token: ['t'] }],
    [wrongList, keys, { index: 5, token: 't' }],
    [wrongList, keys, { ...args, others: 'x' }],
    [wrongList, keys, { ...args, others: [null] }],
  ])('is not run when a name is missing or unknown: %s', async (message, someKeys, someArgs) => {
    const { redis } = testSluice()
    await expect(echo(redis, someKeys as typeof keys, someArgs as typeof args)).rejects.toThrow(new Error(message))
  })
})
