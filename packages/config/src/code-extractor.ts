import { isDeepStrictEqual } from 'node:util'
import { createExtractor, type CreateExtractor, type Extractor, type JsonSchema } from '@sluice/contract/extractor'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import type { ExtractorDefinition } from './define-config.ts'
import { whereItThrew } from './where-it-threw.ts'
import { errorLine, errorLines } from './zod-errors.ts'

export type Refined =
  | { readonly ok: true; readonly data: unknown }
  /** One line each, `/path: what is wrong`, fit to show the model. */
  | { readonly ok: false; readonly errors: readonly string[] }

/** Checks an answer by the zod schema in this process. Never rejects: an answer on which the schema's own functions throw is not valid. */
export type Refine = (data: unknown) => Promise<Refined>

/** An extractor written in code: what is stored for everyone to see, and the check that only this code can make. */
export interface CodeExtractor {
  readonly definition: CreateExtractor
  readonly refine: Refine
}

/** Throws a ConfigError with one line when the schema cannot be shown to a model, a ZodError when the recipe around it is not valid. */
export function createCodeExtractor(definition: ExtractorDefinition): CodeExtractor {
  const { schema, ...recipe } = definition
  return {
    definition: createExtractor.parse({ ...recipe, schema: toJsonSchema(definition.name, schema) }),
    refine: createRefine(definition.name, schema),
  }
}

/**
 * The check that belongs to a stored extractor, or undefined when it was not written in code.
 * The name alone does not tell: a batch may run under an older version, whose schema is another one than the code has now.
 */
export function refineFor(
  extractors: readonly CodeExtractor[],
  extractor: Pick<Extractor, 'name' | 'schema'>,
): Refine | undefined {
  return extractors.find(
    ({ definition }) => definition.name === extractor.name && isDeepStrictEqual(definition.schema, extractor.schema),
  )?.refine
}

/** The input side, because the model writes what the schema reads: before defaults, coercion and transforms. */
function toJsonSchema(name: string, schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: ({ message, path }) => {
      throw new ConfigError([
        `extractor '${name}': #/${path.join('/')}: ${message}. The model answers in JSON: describe that form and transform it.`,
      ])
    },
  })
  // Through text, so that it compares equal with what comes back from the ledger.
  const plain = JSON.parse(JSON.stringify(json)) as JsonSchema
  if (plain['type'] !== 'object') {
    throw new ConfigError([`extractor '${name}': the schema must be an object at the root, z.object({ ... }).`])
  }
  return plain
}

function createRefine(name: string, schema: z.ZodType): Refine {
  return async (data) => {
    let parsed: z.ZodSafeParseResult<unknown>
    try {
      parsed = await schema.safeParseAsync(data)
    } catch (error) {
      // Its own words are left out: they are not written for the model, and may hold what is not its business.
      const message = `a transform or a check threw ${nameOf(error)} on this value`
      return { ok: false, errors: [errorLine({ path: await whereItThrew(schema, data), message }, data)] }
    }
    return parsed.success ? asJson(name, parsed.data) : { ok: false, errors: errorLines(parsed.error, data) }
  }
}

/** Results are stored as JSON: a Date that a transform made becomes its text, a bigint or a function is the author's mistake. */
function asJson(name: string, data: unknown): Refined {
  try {
    return { ok: true, data: JSON.parse(JSON.stringify(data)) as unknown }
  } catch (error) {
    const message = `what the transforms of the extractor '${name}' made cannot be written as JSON (${nameOf(error)})`
    return { ok: false, errors: [`/: ${message}`] }
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
