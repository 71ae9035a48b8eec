import { isDeepStrictEqual } from 'node:util'
import { createExtractor, type CreateExtractor, type Extractor } from '@sluice/contract/extractor'
import type { z } from 'zod'
import { toJsonSchema } from './code-extractor-schema.ts'
import type { ExtractorDefinition } from './define-config.ts'
import { notJsonAt } from './code-extractor-output.ts'
import { codePlace, whereItThrew } from './where-it-threw.ts'
import { errorLines, pointerOf } from './zod-errors.ts'

type Refined =
  | { readonly type: 'valid'; readonly data: unknown }
  /** One line each, `/path: what is wrong`, to be sent to the model. */
  | { readonly type: 'invalid'; readonly errors: readonly string[] }
  /** A transform or a check in the author's code threw, or returned what JSON cannot represent. The model cannot correct that. */
  | { readonly type: 'author-error'; readonly message: string }

/** Checks an answer by the zod schema in this process. Never rejects. */
export type Refine = (data: unknown) => Promise<Refined>

/** An extractor written in code: the definition that is stored and shown, and the check that only this code can make. */
export interface CodeExtractor {
  readonly definition: CreateExtractor
  readonly refine: Refine
}

/** Throws a ConfigError with one line when the schema cannot be used with a model, a ZodError when the recipe around it is not valid. */
export function createCodeExtractor(definition: ExtractorDefinition): CodeExtractor {
  const { schema, ...recipe } = definition
  return {
    definition: createExtractor.parse({ ...recipe, schema: toJsonSchema(definition.name, schema) }),
    refine: createRefine(definition.name, schema),
  }
}

/**
 * The check that belongs to a stored extractor, or undefined when it was not written in code.
 * The name is not enough: a batch may run under an older version, whose schema differs from the one in the code now.
 */
export function refineFor(
  extractors: readonly CodeExtractor[],
  extractor: Pick<Extractor, 'name' | 'schema'>,
): Refine | undefined {
  return extractors.find(
    ({ definition }) => definition.name === extractor.name && isDeepStrictEqual(definition.schema, extractor.schema),
  )?.refine
}

function createRefine(name: string, schema: z.ZodType): Refine {
  return async (data) => {
    let parsed: z.ZodSafeParseResult<unknown>
    try {
      parsed = await schema.safeParseAsync(data)
    } catch (error) {
      if (error instanceof RangeError && /call stack/.test(error.message))
        return { type: 'invalid', errors: ['/: is nested too deep to be checked'] }
      // Without the error's message, which may quote the answer.
      const path = await whereItThrew(schema, data)
      const place = codePlace(error)
      const where = `at ${pointerOf(path)}${place === null ? '' : ` (${place})`}`
      return { type: 'author-error', message: `The code of the extractor '${name}' threw ${nameOf(error)} ${where}.` }
    }
    return parsed.success ? asJson(name, parsed.data) : { type: 'invalid', errors: errorLines(parsed.error, data) }
  }
}

/** Results are stored as JSON: a Date that a transform returns becomes its text; a Map would be lost, and a bigint cannot be written. */
function asJson(name: string, data: unknown): Refined {
  const lost = notJsonAt(data)
  if (lost !== null) {
    const message = `The code of the extractor '${name}' returned ${lost.what} at ${pointerOf(lost.path)}, which JSON cannot hold: return a string, a number, a list or a plain object.`
    return { type: 'author-error', message }
  }
  try {
    return { type: 'valid', data: JSON.parse(JSON.stringify(data)) as unknown }
  } catch (error) {
    // A `toJSON` in the author's code has thrown.
    return {
      type: 'author-error',
      message: `What the code of the extractor '${name}' returned cannot be written as JSON (${nameOf(error)}).`,
    }
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
