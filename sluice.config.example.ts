import { defineConfig } from '@sluice/config/define-config'
import { z } from 'zod'

// Copy this file to sluice.config.ts. Workers and API read it when they start.
export default defineConfig({
  // A lane is a provider, a model and its credentials, with a queue and limits of its own: a slow one holds up no other.
  lanes: {
    default: {
      baseUrl: 'https://api.openai.com/v1',
      apiKey: process.env['OPENAI_API_KEY'],
      model: 'gpt-4.1-mini',
      // Limits are learned from the provider's headers. Name them where it sends none, or to stay below them.
      rpm: 5_000,
      tpm: 2_000_000,
      // Limits of other periods, and of the calls in flight of all workers together.
      limits: [{ requests: 10_000, perS: 86_400 }],
      maxInFlight: 200,
      // US dollars for a million tokens; with them batches tell what they cost.
      prices: { input: 0.4, cachedInput: 0.1, output: 1.6 },
    },
    // A server of your own that knows no strict JSON schema.
    local: {
      baseUrl: 'http://127.0.0.1:8000/v1',
      model: 'qwen3-8b',
      structuredOutput: 'json_object',
      timeoutMs: 300_000,
      // Texts that do not fit are asked in parts, and the answers are made one.
      contextTokens: 32_768,
    },
  },
  // Extractors in code can say more than JSON Schema: answers are checked by the zod schema itself, with its refinements,
  // transforms and defaults, and what fails is asked again with the errors.
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
          .refine((lines) => lines.every((line) => line.text.trim() !== ''), 'every line needs its text'),
        total: z.number().min(0),
      }),
    },
  ],
})
