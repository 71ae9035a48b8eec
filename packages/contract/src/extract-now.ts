import { z } from 'zod'
import { extractorChoice } from './extractor.ts'

/** One text, now: a batch of one that is waited for. */
export const extractNow = z
  .strictObject({
    extractor: extractorChoice,
    text: z.string().min(1, 'A text must not be empty.'),
    wait_s: z.number().min(0).max(600).default(60).describe('How long to wait before answering 202 with the batch.'),
  })
  .meta({ id: 'ExtractNow' })
export type ExtractNow = z.infer<typeof extractNow>
