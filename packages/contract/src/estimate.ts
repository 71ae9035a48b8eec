import { z } from 'zod'

/** Tokens and cost of a batch, estimated before it runs. */
export const estimate = z
  .object({
    object: z.literal('estimate'),
    items: z.int(),
    input_tokens: z.int().describe('For one call per item, counted with OpenAI’s newest encoding.'),
    output_tokens: z.int().describe('Estimated from the schema, at most `max_tokens` per item.'),
    cost_usd: z.number().nullable().describe('Without retries and cached input; null when the lane has no prices.'),
  })
  .meta({ id: 'Estimate' })
export type Estimate = z.infer<typeof estimate>
