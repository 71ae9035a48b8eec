import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { extractorName, laneName, modelParameters } from '@sluice/contract/extractor'
import { formatPath } from '@sluice/contract/error'
import { laneConfig, type LaneConfig } from '@sluice/contract/lane'
import { type WebhookConfig, webhookConfig } from '@sluice/contract/webhook'
import { z } from 'zod'
import { createCodeExtractor, type CodeExtractor } from './code-extractor.ts'
import { declaringLine, UnusableTypeError } from './code-extractor-schema.ts'
import { ConfigError } from './config-error.ts'

const defaultFile = 'sluice.config.ts'

// By its marker, not by instanceof: the author's zod may be another copy of the package.
const zodSchema = z.custom<z.ZodType>(
  (value) => typeof value === 'object' && value !== null && '_zod' in value && 'safeParseAsync' in value,
  'must be a zod 4 schema, z.object({ ... })',
)

const fileSchema = z.strictObject({
  lanes: z.record(laneName, laneConfig).default({}),
  extractors: z
    .array(
      z.strictObject({
        name: extractorName,
        schema: zodSchema,
        instructions: z.string().max(65_536).optional(),
        lane: laneName.optional(),
        parameters: modelParameters.optional(),
        reasks: z.int().min(0).max(10).optional(),
      }),
    )
    .default([]),
  webhooks: webhookConfig.prefault({}),
})

export interface LoadedFile {
  readonly lanes: Readonly<Record<string, LaneConfig>>
  readonly extractors: readonly CodeExtractor[]
  readonly webhooks: WebhookConfig
}

const empty: LoadedFile = { lanes: {}, extractors: [], webhooks: webhookConfig.parse({}) }

/**
 * Runs the configuration file: the one in `named`, or `sluice.config.ts` in `directory` if it exists.
 * Throws a ConfigError, one line per problem, if a named file is missing, fails to run, or has invalid content.
 */
export async function loadConfigFile(named: string | undefined, directory: string): Promise<LoadedFile> {
  const shown = named ?? defaultFile
  const path = isAbsolute(shown) ? shown : resolve(directory, shown)
  if (!existsSync(path)) {
    if (named === undefined) return empty
    throw new ConfigError([`SLUICE_CONFIG is ${shown}, but this file does not exist (looked for ${path})`])
  }
  const module = await importFile(path, shown)
  if (module['default'] === undefined)
    throw new ConfigError([`${shown}: the default export is missing: export default defineConfig({ ... })`])
  const parsed = fileSchema.safeParse(module['default'])
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => `${shown}: ${issueLine(issue)}`))
  return {
    lanes: parsed.data.lanes,
    webhooks: parsed.data.webhooks,
    extractors: createExtractors(parsed.data.extractors, shown, await readFile(path, 'utf8')),
  }
}

async function importFile(path: string, shown: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (error) {
    throw new ConfigError([`${shown}: ${importFailure(error, path)}`])
  }
}

function importFailure(error: unknown, path: string): string {
  if (!(error instanceof Error)) return String(error)
  const message = error.message.split('\n').find((line) => line.trim() !== '') ?? error.name
  const { code } = error as NodeJS.ErrnoException
  const hint =
    code === 'ERR_MODULE_NOT_FOUND'
      ? " (packages are resolved from the file's folder: keep the file in the repository)"
      : ''
  // Node writes `<path>:<line>` before the message of a TypeScript error, and into the stack frames of a thrown error.
  const place = error.stack?.split(path)[1]?.match(/^:(\d+)/)?.[1]
  return `${place === undefined ? '' : `line ${place}: `}${message}${hint}`
}

function issueLine(issue: z.core.$ZodIssue): string {
  const path = formatPath(issue.path)
  return path === '' ? issue.message : `${path}: ${issue.message}`
}

type Definition = z.output<typeof fileSchema>['extractors'][number]

function createExtractors(definitions: readonly Definition[], shown: string, source: string): CodeExtractor[] {
  const names = new Set<string>()
  return definitions.map(({ name, schema, ...recipe }) => {
    if (names.has(name)) throw new ConfigError([`${shown}: there are two extractors '${name}'`])
    names.add(name)
    const given = Object.fromEntries(Object.entries(recipe).filter(([, value]) => value !== undefined))
    try {
      return createCodeExtractor({ name, schema, ...given })
    } catch (error) {
      if (error instanceof UnusableTypeError) {
        const line = declaringLine(source, name, error.path)
        const place = line === null ? shown : `${shown}: line ${line}`
        throw new ConfigError(error.lines.map((text) => `${place}: ${text}`))
      }
      if (error instanceof ConfigError) throw new ConfigError(error.lines.map((line) => `${shown}: ${line}`))
      throw error
    }
  })
}
