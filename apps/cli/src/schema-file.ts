import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { CliError } from './cli-error.ts'

/** What to extract: as the client accepts it, and as JSON Schema, which identifies the recipe. */
export interface LoadedSchema {
  readonly schema: z.ZodType | Record<string, unknown>
  readonly json: Record<string, unknown>
  /** Exported by a module as `instructions`. */
  readonly instructions: string | undefined
}

const modules = new Set(['.ts', '.mts', '.js', '.mjs'])

/** A zod schema or JSON Schema as the default export of a module, or a JSON Schema in a .json file. Throws a CliError that says what is wrong. */
export async function loadSchemaFile(path: string): Promise<LoadedSchema> {
  if (!existsSync(path)) throw new CliError(`--schema: file not found: ${path}`)
  const ending = extname(path).toLowerCase()
  if (ending === '.json') return fromJson(path, await readFile(path, 'utf8'))
  if (!modules.has(ending)) {
    throw new CliError(
      `--schema: ${path} has an unknown file type. Use a module (.ts, .js) whose default export is a zod schema, or a JSON Schema (.json).`,
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
  if (!isObject(json)) throw new CliError(`--schema: ${path} is not a JSON Schema: it must contain a JSON object.`)
  return { schema: json, json, instructions: undefined }
}

function fromModule(path: string, module: Record<string, unknown>): LoadedSchema {
  const { default: schema, instructions } = module
  if (instructions !== undefined && typeof instructions !== 'string') {
    throw new CliError(`--schema: 'instructions' in ${path} must be a string.`)
  }
  if (isZod(schema)) return { schema, json: toJson(path, schema), instructions }
  if (isObject(schema) && !('_def' in schema)) return { schema, json: schema, instructions }
  throw new CliError(
    `--schema: ${path} must export a zod 4 schema or a JSON Schema as its default: export default z.object({ ... })`,
  )
}

/** By its marker, not by instanceof: the author's zod may be another copy of the package. */
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
      `--schema: ${path}: ${(error as Error).message}. The model answers in JSON: describe the JSON form, then use a transform.`,
    )
  }
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  const url = pathToFileURL(resolve(path)).href
  // A schema file may import zod without installing it, and counts as a module whatever package.json is above it.
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
  // Node writes `<path>:<line>` before the message of a TypeScript error, and into the stack frames of a thrown error.
  const place = error.stack?.split(resolve(path))[1]?.match(/^:(\d+)/)?.[1]
  const message = error.message.split('\n').find((line) => line.trim() !== '') ?? error.name
  return place === undefined ? message : `line ${place}: ${message}`
}
