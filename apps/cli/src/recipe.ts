import { readFile } from 'node:fs/promises'
import type { ExtractorOptions, Schema, Sluice } from '@sluice/client'
import { extractor as extractorSchema, extractorLabel } from '@sluice/contract/extractor'
import { CliError, exitCodes } from './cli-error.ts'
import { loadSchemaFile } from './schema-file.ts'

/** What is to be extracted, as it was typed. */
export interface RecipeOptions {
  readonly schema?: string
  readonly extractor?: string
  readonly instructions?: string
  readonly lane?: string
  readonly model?: string
}

export interface Recipe {
  readonly options: ExtractorOptions<Schema>
  /** As the API has it: two recipes that differ in it are not the same work. */
  readonly extractor: string | Readonly<Record<string, unknown>>
}

export type RecipeChoice =
  | { readonly type: 'named'; readonly extractor: string; readonly schema: string | undefined }
  | { readonly type: 'inline'; readonly schema: string; readonly options: RecipeOptions }

/** Throws a CliError for options that make no recipe: told before anything is read or asked. */
export function chooseRecipe(options: RecipeOptions): RecipeChoice {
  const { schema, extractor } = options
  if (extractor === undefined) {
    if (schema !== undefined) return { type: 'inline', schema, options }
    throw new CliError('What is to be extracted? Give --schema <file>, or --extractor <name>.', exitCodes.usage)
  }
  const part = (['instructions', 'lane', 'model'] as const).find((name) => options[name] !== undefined)
  if (part === undefined) return { type: 'named', extractor, schema }
  throw new CliError(
    `--${part} is part of the extractor: leave it out, or give --schema in place of --extractor.`,
    exitCodes.usage,
  )
}

/** Throws a CliError when the file does not hold what it should, an ApiError when the server has no such extractor. */
export async function readRecipe(client: Sluice, choice: RecipeChoice): Promise<Recipe> {
  if (choice.type === 'named') {
    const checks = choice.schema === undefined ? {} : { schema: (await loadSchemaFile(choice.schema)).schema }
    // By its version: under the name alone other work may be meant tomorrow.
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

/** `@file` stands for what is in the file. */
async function textOrFile(value: string | undefined): Promise<string | undefined> {
  if (value?.startsWith('@') !== true) return value
  return readFile(value.slice(1), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`--instructions: ${value.slice(1)} cannot be read (${error.code}).`)
  })
}
