import { z } from 'zod'

/** What a batch would take, told before it runs. */
export const estimate = z
  .object({
    object: z.literal('estimate'),
    items: z.int(),
    input_tokens: z.int().describe('Of one call for each item, counted by OpenAI’s newest encoding.'),
    output_tokens: z.int().describe('Guessed from the schema, at most `max_tokens` an item.'),
    cost_usd: z
      .number()
      .nullable()
      .describe('Without what is asked again or cached; null when the lane has no prices.'),
  })
  .meta({ id: 'Estimate' })
export type Estimate = z.infer<typeof estimate>
