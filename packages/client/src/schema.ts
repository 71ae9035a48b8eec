import { Validator } from '@cfworker/json-schema'
import { formatPath } from '@sluice/contract/error'
import * as z from 'zod'
import type { JsonSchemaValue } from './json-schema-value.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** A zod schema (zod 4 or zod/mini) or a JSON Schema, with any root. */
export type Schema = z.core.$ZodType | JsonSchema

/** The type of an item's value: the output of a zod schema, or what a JSON Schema describes as far as its type is exact. */
export type ValueOf<S> = S extends z.core.$ZodType ? z.output<S> : JsonSchemaValue<S>

type Checked =
  | { readonly ok: true; readonly value: unknown }
  /** One line per error; the path comes first. */
  | { readonly ok: false; readonly errors: readonly string[] }

/** Checks a value when it arrives. */
export type Check = (data: unknown) => Promise<Checked> | Checked

export interface ReadSchema {
  /** The schema as the server accepts it. */
  readonly json: JsonSchema
  readonly check: Check
}

/** Throws a TypeError for a value that is neither, or that JSON Schema cannot express. */
export function readSchema(schema: Schema): ReadSchema {
  if (isZod(schema)) return { json: zodToJson(schema), check: createZodCheck(schema) }
  if (typeof schema !== 'object' || schema === null || '_def' in schema)
    throw new TypeError('schema: Give a zod 4 schema, such as z.object({ name: z.string() }), or a JSON Schema.')
  return { json: schema, check: createJsonCheck(schema) }
}

/** Accepts every value: without a schema nothing can be checked. */
export const anyValue: Check = (value) => ({ ok: true, value })

function isZod(schema: Schema): schema is z.core.$ZodType {
  return typeof schema === 'object' && schema !== null && '_zod' in schema
}

/** The input side, because the model writes what the schema reads: before defaults, coercion and transforms. */
function zodToJson(schema: z.core.$ZodType): JsonSchema {
  try {
    const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
    // Through text, so that only JSON remains.
    return JSON.parse(JSON.stringify(json)) as JsonSchema
  } catch (error) {
    throw new TypeError(
      `schema: ${(error as Error).message}. The model answers in JSON: describe the JSON form, and add a transform.`,
      { cause: error },
    )
  }
}

function createZodCheck(schema: z.core.$ZodType): Check {
  return async (data) => {
    const parsed = await z.core.safeParseAsync(schema, data)
    if (parsed.success) return { ok: true, value: parsed.data }
    return {
      ok: false,
      errors: parsed.error.issues.map(({ path, message }) =>
        path.length === 0 ? message : `${formatPath(path)}: ${message}`,
      ),
    }
  }
}

/**
 * Uses a validator that generates no code, so that it runs where that is forbidden (a page with a content security policy, an edge runtime).
 * A schema that it cannot read is left to the server, which has validated the value: the server accepts patterns that a browser rejects.
 */
function createJsonCheck(schema: JsonSchema): Check {
  let validator: Validator | undefined
  return (value) => {
    try {
      validator ??= new Validator(schema, '2020-12', false)
      const { valid, errors } = validator.validate(value)
      if (valid) return { ok: true, value }
      return { ok: false, errors: errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`) }
    } catch {
      return { ok: true, value }
    }
  }
}
