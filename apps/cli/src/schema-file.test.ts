import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadSchemaFile } from './schema-file.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-schema-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

async function load(name: string, content: string) {
  const path = join(directory, name)
  await writeFile(path, content)
  return loadSchemaFile(path)
}

test('a JSON Schema is taken as it is written', async () => {
  const schema = { type: 'object', properties: { name: { type: 'string' } } }
  expect(await load('person.json', JSON.stringify(schema))).toEqual({ schema, json: schema, instructions: undefined })
})

test('what holds no schema is refused with what it should hold', async () => {
  await expect(loadSchemaFile(join(directory, 'gone.ts'))).rejects.toThrow(/^--schema: there is no file .*gone\.ts\.$/)
  await expect(load('person.json', '{oops')).rejects.toThrow(/^--schema: .*person\.json is not valid JSON: /)
  await expect(load('person.json', '[]')).rejects.toThrow('holds no JSON Schema: that is an object.')
  await expect(load('person.yaml', 'type: object')).rejects.toThrow('is neither a module (.ts, .js)')
  await expect(load('none.mjs', 'export const a = 1')).rejects.toThrow('must export a zod 4 schema or a JSON Schema')
  await expect(load('words.mjs', 'export const instructions = 3; export default {}')).rejects.toThrow(
    "exports as 'instructions' is not a text",
  )
  await expect(load('thrown.mjs', "\nthrow new Error('no')")).rejects.toThrow(/line 2: no$/)
})

test('a module exports a JSON Schema, and in words what to extract', async () => {
  const loaded = await load(
    'person.mjs',
    "export default { type: 'object' }; export const instructions = 'The person.'",
  )
  expect(loaded).toMatchObject({ json: { type: 'object' }, instructions: 'The person.' })
})
