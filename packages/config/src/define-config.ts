import type { LaneConfigInput } from '@sluice/contract/lane'
import type { ModelParameters } from '@sluice/contract/extractor'
import type { z } from 'zod'

/** An extractor written in code. Answers are checked by the zod schema itself, so refinements, transforms and defaults count. */
export interface ExtractorDefinition {
  readonly name: string
  /** An object at the root. The model is shown its input side as JSON Schema. */
  readonly schema: z.ZodType
  /** What to extract, in words: the system message. */
  readonly instructions?: string
  /** Default: `default`. */
  readonly lane?: string
  readonly parameters?: ModelParameters
  /** How often invalid output is asked again, with the errors. Default: 2. */
  readonly reasks?: number
}

export interface ConfigFile {
  /** By name. A lane called `default` takes the place of the one from OPENAI_API_KEY, OPENAI_BASE_URL and SLUICE_MODEL. */
  readonly lanes?: Readonly<Record<string, LaneConfigInput>>
  readonly extractors?: readonly ExtractorDefinition[]
}

/** Gives the default export of `sluice.config.ts` its type. Checked when a process starts, by `readConfig`. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config
}
