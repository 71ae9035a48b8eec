import { readFile } from 'node:fs/promises'
import type { ExtractorOptions, Schema, Sluice } from '@sluice/client'
import { extractor as extractorSchema, extractorLabel } from '@sluice/contract/extractor'
import { CliError, exitCodes } from './cli-error.ts'
import { loadSchemaFile } from './schema-file.ts'

/** Options that say what to extract. */
export interface RecipeOptions {
  readonly schema?: string
  readonly extractor?: string
  readonly instructions?: string
  readonly lane?: string
  readonly model?: string
}

export interface Recipe {
  readonly options: ExtractorOptions<Schema>
  /** In the form of the API: recipes with different extractors are different work. */
  readonly extractor: string | Readonly<Record<string, unknown>>
}

export type RecipeChoice =
  | { readonly type: 'named'; readonly extractor: string; readonly schema: string | undefined }
  | { readonly type: 'inline'; readonly schema: string; readonly options: RecipeOptions }

/** Throws a CliError for options that do not make a recipe, before anything is read or requested. */
export function chooseRecipe(options: RecipeOptions): RecipeChoice {
  const { schema, extractor } = options
  if (extractor === undefined) {
    if (schema !== undefined) return { type: 'inline', schema, options }
    throw new CliError('Say what to extract: add --schema <file> or --extractor <name>.', exitCodes.usage)
  }
  const part = (['instructions', 'lane', 'model'] as const).find((name) => options[name] !== undefined)
  if (part === undefined) return { type: 'named', extractor, schema }
  throw new CliError(
    `--${part} is already part of the extractor. Remove it, or use --schema instead of --extractor.`,
    exitCodes.usage,
  )
}

/** Throws a CliError if the schema file is wrong, and an ApiError if the server does not have the extractor. */
export async function readRecipe(client: Sluice, choice: RecipeChoice): Promise<Recipe> {
  if (choice.type === 'named') {
    const checks = choice.schema === undefined ? {} : { schema: (await loadSchemaFile(choice.schema)).schema }
    // With its version: tomorrow the name alone may mean other work.
    const reference = await versionOf(client, choice.extractor)
    return { options: { extractor: reference, ...checks }, extractor: reference }
  }
  const { schema, json, instructions: exported } = await loadSchemaFile(choice.schema)
  const { lane, model } = choice.options
  const instructions = (await textOrFile(choice.options.instructions)) ?? exported
  const rest = {
    ...(instructions === undefined ? {} : { instructions }),
    ...(lane === undefined ? {} : { lane }),
    ...(model === undefined ? {} : { parameters: { model } }),
  }
  return { options: { schema, ...rest }, extractor: { schema: json, ...rest } }
}

async function versionOf(client: Sluice, reference: string): Promise<string> {
  const response = await client.request(`/v1/extractors/${encodeURIComponent(reference)}`)
  return extractorLabel(extractorSchema.parse(await response.json()))
}

/** `@file` means the content of the file. */
async function textOrFile(value: string | undefined): Promise<string | undefined> {
  if (value?.startsWith('@') !== true) return value
  return readFile(value.slice(1), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`--instructions: cannot read ${value.slice(1)} (${error.code}).`)
  })
}
