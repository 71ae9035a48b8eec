import { z } from 'zod'

export const extractorName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'A name is 1 to 64 letters, digits, `_` or `-`, beginning with a letter or digit.',
  )

export const laneName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'A lane is 1 to 64 letters, digits, `_` or `-`, beginning with a letter or digit.',
  )

/** A JSON Schema as its author wrote it; @sluice/schema checks it on arrival. */
const jsonSchema = z.record(z.string(), z.unknown()).meta({
  id: 'JsonSchema',
  description:
    'JSON Schema of draft-04, 06, 07, 2019-09 or 2020-12, or a schema object of OpenAPI 3.0. Without `$schema` it is 2020-12, unless it has keywords of another dialect only.',
})
export type JsonSchema = z.infer<typeof jsonSchema>

/** Sampling parameters, sent to the model unchanged. */
export const modelParameters = z
  .strictObject({
    model: z.string().min(1).max(256).optional().describe("Overrides the lane's model."),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional(),
    max_tokens: z.int().min(1).max(1_000_000).optional().describe('The most tokens of an answer.'),
    seed: z.int().optional(),
  })
  .meta({ id: 'ModelParameters' })
export type ModelParameters = z.infer<typeof modelParameters>

const recipe = {
  schema: jsonSchema,
  instructions: z.string().max(65_536).default('').describe('What to extract, in words; becomes the system message.'),
  lane: laneName.default('default'),
  parameters: modelParameters.default({}),
  reasks: z
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe('How often the model is asked again after invalid output, with the errors; 2 means up to three calls.'),
}

export const inlineExtractor = z.strictObject(recipe).meta({ id: 'InlineExtractor' })
export const createExtractor = z.strictObject({ name: extractorName, ...recipe }).meta({ id: 'CreateExtractor' })
export type CreateExtractor = z.infer<typeof createExtractor>

/** An extractor as it is stored. A version never changes. An inline extractor has no name and version 0. */
export const extractor = z
  .object({
    object: z.literal('extractor'),
    name: z.string().nullable(),
    version: z.int(),
    ...recipe,
    created_at: z.number().describe('Unix seconds.'),
  })
  .meta({ id: 'Extractor' })
export type Extractor = z.infer<typeof extractor>

/** What in a schema is accepted and has no effect, with its place: unknown keywords and formats, keywords that another one turns off. */
export const schemaWarnings = z
  .array(z.string())
  .describe("What of the schema is not checked, as `schema: at '#/properties/a/format': ...`. None: all of it is.")

/** How a schema goes to a provider with strict structured output. */
const wireForm = z
  .discriminatedUnion('strict', [
    z.object({
      strict: z.literal(true),
      wrapped: z
        .boolean()
        .describe('The schema is sent as the property `value` of an object; results have the value alone.'),
    }),
    z.object({
      strict: z.literal(false),
      wrapped: z.boolean(),
      pointer: z.string().describe('JSON pointer into the schema: what strict mode cannot express.'),
      reason: z.string(),
    }),
  ])
  .meta({
    id: 'WireForm',
    description:
      'Whether a provider can enforce the schema while it writes. Otherwise the schema is sent as a hint; either way each answer is validated.',
  })

/** One extractor as the API shows it; in lists the form on the wire is left out, because deriving it takes time for each schema. */
export const extractorView = extractor.extend({ wire: wireForm }).meta({ id: 'ExtractorView' })

/** The answer to a new version. */
export const createdExtractor = extractorView.extend({ warnings: schemaWarnings }).meta({ id: 'CreatedExtractor' })

export const extractorList = z
  .object({ object: z.literal('list'), data: z.array(extractor), has_more: z.boolean() })
  .meta({ id: 'ExtractorList' })

export const listVersionsQuery = z.strictObject({
  before: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Only versions before this one: `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

export const versionList = z
  .object({
    object: z.literal('list'),
    data: z.array(extractor).describe('The newest first.'),
    has_more: z.boolean(),
    next: z.int().nullable().describe('Send it as `before` for the next page.'),
  })
  .meta({ id: 'ExtractorVersionList' })
export type VersionList = z.infer<typeof versionList>

/** `"name"` (its newest version) or `"name@version"`. */
export const extractorReference = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}(@[1-9][0-9]{0,8})?$/,
    'Name an extractor as `name` or `name@version`, or give one inline.',
  )

export const extractorChoice = z.union([extractorReference, inlineExtractor])
export type ExtractorChoice = z.infer<typeof extractorChoice>

/** The extractor's name in lists and jobs: `person@3`, or `inline`. */
export function extractorLabel(extractor: Pick<Extractor, 'name' | 'version'>): string {
  return extractor.name === null ? 'inline' : `${extractor.name}@${extractor.version}`
}
