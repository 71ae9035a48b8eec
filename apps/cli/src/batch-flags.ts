import { type BatchOptions, batchOptions, liveOptions, type PatchBatch } from '@sluice/contract/batch'
import { bareOption, optionTexts } from '@sluice/contract/option-text'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'

/**
 * The flags for the options of a batch, derived from the contract: a new option has its flag without a change here.
 * `max_cost_usd` becomes `--max-cost <usd>`, `cache_s` becomes `--cache <seconds>`, and `deduplicate` a flag without a value.
 */
type OptionName = keyof BatchOptions

/** Values of the flags, by commander's names. */
export type BatchFlags = Readonly<Record<string, unknown>>

/** The CLI records the input's name in the metadata. */
const flagged = (Object.keys(batchOptions.shape) as OptionName[]).filter((name) => name !== 'metadata')
const units: Readonly<Record<string, string>> = { s: 'seconds', usd: 'usd' }
const texts = optionTexts(batchOptions.shape)

/** Flags for options that can change while the batch runs. */
export function addLiveFlags(command: Command): Command {
  for (const name of liveOptions) command.addOption(createFlag(name))
  return command
}

/** Flags for all options of a new batch. */
export function addBatchFlags(command: Command): Command {
  for (const name of flagged) command.addOption(createFlag(name))
  return command
}

/** The options that were given, in the form of the API. */
export function toBatchOptions(flags: BatchFlags): Partial<BatchOptions> {
  return pick(flags, flagged)
}

/** The given options that can change while the batch runs. */
export function toPatch(flags: BatchFlags): PatchBatch {
  return pick(flags, liveOptions)
}

/** The flag as users type it: `--max-cost`. */
export function flagOf(name: string): string {
  return `--${flagName(name).replaceAll('_', '-')}`
}

function pick(flags: BatchFlags, names: readonly OptionName[]): Partial<BatchOptions> {
  const given = names.map((name) => [name, flags[attributeOf(name)]]).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Partial<BatchOptions>
}

function createFlag(name: OptionName): Option {
  const option: z.ZodType = batchOptions.shape[name]
  const schema = bareOption(option)
  const fallback = option.parse(undefined)
  const description = `${schema.description ?? ''}${fallback === undefined ? '' : ` (default: ${JSON.stringify(fallback)})`}`
  if (schema instanceof z.ZodBoolean) return new Option(flagOf(name), description)
  return new Option(`${flagOf(name)} <${valueName(name, schema)}>`, description).argParser((text) => {
    const parsed = texts[name].safeParse(text)
    if (parsed.success) return parsed.data
    throw new InvalidArgumentError(requirement(schema) ?? parsed.error.issues[0]?.message ?? 'It is not valid.')
  })
}

function valueName(name: string, schema: z.ZodType): string {
  const unit = unitOf(name)
  if (unit !== undefined) return unit
  if (schema instanceof z.ZodNumber) return 'number'
  return schema instanceof z.ZodObject || schema instanceof z.ZodRecord ? 'json' : 'text'
}

function requirement(schema: z.ZodType): string | undefined {
  if (!(schema instanceof z.ZodNumber)) return undefined
  const { type, minimum, exclusiveMinimum, maximum } = z.toJSONSchema(schema)
  const kind = type === 'integer' ? 'a whole number' : 'a number'
  const from = exclusiveMinimum === undefined ? `from ${minimum}` : `above ${exclusiveMinimum}`
  return `It must be ${kind} ${from} to ${maximum}.`
}

function unitOf(name: string): string | undefined {
  return units[/_([a-z]+)$/.exec(name)?.[1] ?? '']
}

function flagName(name: string): string {
  return unitOf(name) === undefined ? name : name.replace(/_[a-z]+$/, '')
}

/** commander's name of a flag's value: `maxCost`. */
function attributeOf(name: string): string {
  return flagName(name).replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}
