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

test('a JSON Schema is used unchanged', async () => {
  const schema = { type: 'object', properties: { name: { type: 'string' } } }
  expect(await load('person.json', JSON.stringify(schema))).toEqual({ schema, json: schema, instructions: undefined })
})

test('a file without a schema is rejected, and the message says what it should contain', async () => {
  await expect(loadSchemaFile(join(directory, 'gone.ts'))).rejects.toThrow(/^--schema: file not found: .*gone\.ts$/)
  await expect(load('person.json', '{oops')).rejects.toThrow(/^--schema: .*person\.json is not valid JSON: /)
  await expect(load('person.json', '[]')).rejects.toThrow('is not a JSON Schema: it must contain a JSON object.')
  await expect(load('person.yaml', 'type: object')).rejects.toThrow('has an unknown file type. Use a module (.ts, .js)')
  await expect(load('none.mjs', 'export const a = 1')).rejects.toThrow('must export a zod 4 schema or a JSON Schema')
  await expect(load('words.mjs', 'export const instructions = 3; export default {}')).rejects.toThrow(
    "'instructions' in ",
  )
  await expect(load('thrown.mjs', "\nthrow new Error('no')")).rejects.toThrow(/line 2: no$/)
})

test('a module may export a JSON Schema and instructions', async () => {
  const loaded = await load(
    'person.mjs',
    "export default { type: 'object' }; export const instructions = 'The person.'",
  )
  expect(loaded).toMatchObject({ json: { type: 'object' }, instructions: 'The person.' })
})
