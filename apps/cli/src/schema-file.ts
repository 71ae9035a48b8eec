import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { CliError } from './cli-error.ts'

/** What is to be extracted: as the client takes it, and as JSON Schema, which tells one recipe from another. */
export interface LoadedSchema {
  readonly schema: z.ZodType | Record<string, unknown>
  readonly json: Record<string, unknown>
  /** Exported by a module as `instructions`. */
  readonly instructions: string | undefined
}

const modules = new Set(['.ts', '.mts', '.js', '.mjs'])

/** A zod schema or JSON Schema as the default export of a module, or a JSON Schema in a .json file. Throws a CliError that says what is missing. */
export async function loadSchemaFile(path: string): Promise<LoadedSchema> {
  if (!existsSync(path)) throw new CliError(`--schema: there is no file ${path}.`)
  const ending = extname(path).toLowerCase()
  if (ending === '.json') return fromJson(path, await readFile(path, 'utf8'))
  if (!modules.has(ending)) {
    throw new CliError(
      `--schema: ${path} is neither a module (.ts, .js) that exports a zod schema as its default, nor a JSON Schema (.json).`,
    )
  }
  return fromModule(path, await importModule(path))
}

function fromJson(path: string, text: string): LoadedSchema {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new CliError(`--schema: ${path} is not valid JSON: ${(error as Error).message}`)
  }
  if (!isObject(json)) throw new CliError(`--schema: ${path} holds no JSON Schema: that is an object.`)
  return { schema: json, json, instructions: undefined }
}

function fromModule(path: string, module: Record<string, unknown>): LoadedSchema {
  const { default: schema, instructions } = module
  if (instructions !== undefined && typeof instructions !== 'string') {
    throw new CliError(`--schema: what ${path} exports as 'instructions' is not a text.`)
  }
  if (isZod(schema)) return { schema, json: toJson(path, schema), instructions }
  if (isObject(schema) && !('_def' in schema)) return { schema, json: schema, instructions }
  throw new CliError(
    `--schema: ${path} must export a zod 4 schema or a JSON Schema as its default: export default z.object({ ... })`,
  )
}

/** By its marker and not by instanceof: the author's zod may be another copy of it. */
function isZod(value: unknown): value is z.ZodType {
  return isObject(value) && '_zod' in value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toJson(path: string, schema: z.ZodType): Record<string, unknown> {
  try {
    return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
  } catch (error) {
    throw new CliError(
      `--schema: ${path}: ${(error as Error).message}. The model answers in JSON: describe that form and transform it.`,
    )
  }
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  const url = pathToFileURL(resolve(path)).href
  // A file anywhere may import zod without installing it, and is a module whatever package.json stands above it.
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      try {
        const found = next(specifier, context)
        return found.url === url && url.endsWith('.ts') ? { ...found, format: 'module-typescript' } : found
      } catch (error) {
        if (specifier !== 'zod' && !specifier.startsWith('zod/')) throw error
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    throw new CliError(`--schema: ${path}: ${error instanceof Error ? firstLine(error, path) : String(error)}`)
  } finally {
    hooks.deregister()
  }
}

function firstLine(error: Error, path: string): string {
  // Node puts `<path>:<line>` before the text of a TypeScript error, and into the frames of one that was thrown.
  const place = error.stack?.split(resolve(path))[1]?.match(/^:(\d+)/)?.[1]
  const message = error.message.split('\n').find((line) => line.trim() !== '') ?? error.name
  return place === undefined ? message : `line ${place}: ${message}`
}
