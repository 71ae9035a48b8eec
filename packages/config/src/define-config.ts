import type { LaneConfigInput } from '@sluice/contract/lane'
import type { ModelParameters } from '@sluice/contract/extractor'
import type { WebhookConfigInput } from '@sluice/contract/webhook'
import type { z } from 'zod'

/** An extractor in code. The zod schema itself validates the answers, with its refinements, transforms and defaults. */
export interface ExtractorDefinition {
  readonly name: string
  /** Any root. The model sees its input side as JSON Schema. */
  readonly schema: z.ZodType
  /** What to extract, in words: the system message. */
  readonly instructions?: string
  /** Default: `default`. */
  readonly lane?: string
  readonly parameters?: ModelParameters
  /** How often the model is asked again, with the errors, after invalid output. Default: 2. */
  readonly reasks?: number
}

export interface ConfigFile {
  /** By name. A lane called `default` replaces the one from OPENAI_API_KEY, OPENAI_BASE_URL and SLUICE_MODEL. */
  readonly lanes?: Readonly<Record<string, LaneConfigInput>>
  readonly extractors?: readonly ExtractorDefinition[]
  /** Where messages about ended batches go, and the secrets that sign them. */
  readonly webhooks?: WebhookConfigInput
}

/** Gives the default export of `sluice.config.ts` its type. Checked when a process starts, by `readConfig`. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config
}
