import { z } from 'zod'

/** An option as text, as a query parameter or a command line gives it. Left out, it has no value and no default. */
type OptionText<Option extends z.ZodType> = z.ZodOptional<z.ZodType<Exclude<z.output<Option>, undefined>>>

/** Every option of a shape, read from text. A new option needs nothing more than its schema. */
export function optionTexts<Shape extends Record<string, z.ZodType>>(
  shape: Shape,
): { [Name in keyof Shape]: OptionText<Shape[Name]> } {
  return Object.fromEntries(Object.entries(shape).map(([name, option]) => [name, optionText(option).optional()])) as {
    [Name in keyof Shape]: OptionText<Shape[Name]>
  }
}

/** The option's own schema, without the optional and default around it. */
export function bareOption(option: z.ZodType): z.ZodType {
  if (option instanceof z.ZodOptional || option instanceof z.ZodDefault) return bareOption(option.unwrap() as z.ZodType)
  return option
}

/** Numbers and booleans are written as in JSON, texts and choices as they are, and everything else is JSON. */
function optionText(option: z.ZodType): z.ZodType {
  const bare = bareOption(option)
  const description = bare.description ?? ''
  if (bare instanceof z.ZodNumber) return z.coerce.number().pipe(bare).describe(description)
  if (bare instanceof z.ZodString || bare instanceof z.ZodEnum) return bare
  if (bare instanceof z.ZodBoolean) {
    return z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .pipe(bare)
      .describe(description)
  }
  return json(bare).describe(`${description} JSON.`.trimStart())
}

function json(schema: z.ZodType): z.ZodType {
  return z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'This is not valid JSON.' })
        return z.NEVER
      }
    })
    .pipe(schema)
}
