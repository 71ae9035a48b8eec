import { z } from 'zod'
import { bareOption } from './option-text.ts'

/** For tests: a value that an option accepts and that is not its default, so that a test covers every option, also those that come later. */
export function exampleOption(option: z.ZodType): unknown {
  const fallback = JSON.stringify(option.parse(undefined))
  const example = candidates(bareOption(option)).find(
    (value) => option.safeParse(value).success && JSON.stringify(value) !== fallback,
  )
  if (example === undefined)
    throw new Error(`No example fits an option of type ${bareOption(option).def.type}: add one.`)
  return example
}

function candidates(schema: z.ZodType): unknown[] {
  if (schema instanceof z.ZodNumber) return [7, 1, 0.5, schema.minValue, schema.maxValue]
  if (schema instanceof z.ZodBoolean) return [true, false]
  if (schema instanceof z.ZodString || schema instanceof z.ZodURL)
    return ['some text', 'a', '2030-01-01T00:00:00Z', 'https://example.com/']
  if (schema instanceof z.ZodEnum) return [...schema.options]
  if (schema instanceof z.ZodArray) return candidates(schema.element as z.ZodType).map((one) => [one])
  if (schema instanceof z.ZodRecord) return [{ key: 'value' }, { key: 1 }]
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape)
    return [Object.fromEntries(fields.map(([name, field]) => [name, exampleField(field)]))]
  }
  return []
}

function exampleField(field: z.ZodType): unknown {
  const example = candidates(bareOption(field)).find((value) => field.safeParse(value).success)
  if (example !== undefined || field.safeParse(undefined).success) return example
  throw new Error(`No example fits a field of type ${bareOption(field).def.type}: add one.`)
}
