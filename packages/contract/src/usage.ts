import { z } from 'zod'

/** Tokens as the provider counted them; zero if it did not report them. */
export const usage = z.object({ input_tokens: z.int(), output_tokens: z.int() }).meta({ id: 'Usage' })
export type Usage = z.infer<typeof usage>

export const noUsage: Usage = { input_tokens: 0, output_tokens: 0 }

export function addUsage(a: Usage, b: Usage): Usage {
  return { input_tokens: a.input_tokens + b.input_tokens, output_tokens: a.output_tokens + b.output_tokens }
}
