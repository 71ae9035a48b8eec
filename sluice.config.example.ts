import { defineConfig } from '@sluice/config/define-config'
import { z } from 'zod'

// Copy this file to sluice.config.ts. API and workers read it when they start.
export default defineConfig({
  // A lane is a provider, a model and its credentials, with its own queue and limits. A slow lane does not hold up another one.
  lanes: {
    default: {
      baseUrl: 'https://api.openai.com/v1',
      apiKey: process.env['OPENAI_API_KEY'],
      model: 'gpt-4.1-mini',
      // Limits are learned from the provider's headers. Set them if it sends none, or to stay below them.
      rpm: 5_000,
      tpm: 2_000_000,
      // Limits for other periods, and for the calls in flight of all workers together.
      limits: [{ requests: 10_000, perS: 86_400 }],
      maxInFlight: 200,
      // US dollars per million tokens. With prices, batches show their cost.
      prices: { input: 0.4, cachedInput: 0.1, output: 1.6 },
    },
    // A local server without strict JSON Schema.
    local: {
      baseUrl: 'http://127.0.0.1:8000/v1',
      model: 'qwen3-8b',
      structuredOutput: 'json_object',
      timeoutMs: 300_000,
      // Longer texts are asked in parts, and the answers are merged.
      contextTokens: 32_768,
    },
  },
  // Extractors in code can express more than JSON Schema: the zod schema itself validates the answers, with its refinements,
  // transforms and defaults. After an invalid answer the model is asked again, with the errors.
  extractors: [
    {
      name: 'invoice',
      instructions: 'Extract the invoice. Amounts are numbers without a currency sign.',
      schema: z.object({
        number: z.string(),
        date: z.iso.date().nullable().describe('The date of the invoice, YYYY-MM-DD.'),
        currency: z.enum(['EUR', 'USD', 'GBP']).default('EUR'),
        lines: z
          .array(z.object({ text: z.string(), amount: z.number() }))
          .refine((lines) => lines.every((line) => line.text.trim() !== ''), 'every line needs a text'),
        total: z.number().min(0),
      }),
    },
  ],
})
