import { extractorReference, type Extractor, type ExtractorChoice, type JsonSchema } from '@sluice/contract/extractor'
import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Engine } from '@sluice/engine/engine'

/** A place in a JSON Schema, as a JSON pointer, and what is wrong there and how to correct it. */
interface SchemaIssue {
  readonly pointer: string
  readonly message: string
}

/** Whether a JSON Schema is accepted; with warnings about what in it has no effect. */
export type CheckSchema = (
  schema: unknown,
) => { readonly ok: true; readonly warnings: readonly SchemaIssue[] } | ({ readonly ok: false } & SchemaIssue)

/**
 * Throws a refusal that names the field, for a schema that is not valid or not safe, or a lane that does not exist.
 * Returns the warnings about the schema, each with its place.
 */
export function checkRecipe(
  { schema, lane }: { schema: JsonSchema; lane: string },
  { lanes, checkSchema, prefix = '' }: { lanes: readonly string[]; checkSchema: CheckSchema; prefix?: string },
): string[] {
  const checked = checkSchema(schema)
  if (!checked.ok)
    throw invalidRequest(
      'invalid_schema',
      `schema: at '#${checked.pointer}': ${checked.message}`,
      `${prefix}schema#${checked.pointer}`,
    )
  if (!lanes.includes(lane)) {
    throw invalidRequest('unknown_lane', `There is no lane '${lane}'; there is: ${lanes.join(', ')}.`, `${prefix}lane`)
  }
  return checked.warnings.map(({ pointer, message }) => `schema: at '#${pointer}': ${message}`)
}

/** The extractor that a request names or contains, with the warnings about the schema that it contains. */
export async function resolveExtractor(
  choice: ExtractorChoice,
  engine: Engine,
  checkSchema: CheckSchema,
): Promise<{ extractor: Extractor; warnings: string[] }> {
  if (typeof choice !== 'string') {
    const warnings = checkRecipe(choice, { lanes: engine.lanes, checkSchema, prefix: 'extractor.' })
    return {
      extractor: { object: 'extractor', name: null, version: 0, ...choice, created_at: Date.now() / 1000 },
      warnings,
    }
  }
  if (!extractorReference.safeParse(choice).success) {
    throw invalidRequest(
      'invalid_request',
      `extractor: '${choice}' is no name: write \`name\` or \`name@version\`.`,
      'extractor',
    )
  }
  try {
    return { extractor: await engine.extractors.get(choice), warnings: [] }
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'extractor_not_found') throw error
    throw new SluiceError(
      error.type,
      error.code,
      `${error.message} Store it by POST /v1/extractors, or give one inline.`,
      { param: 'extractor' },
    )
  }
}
