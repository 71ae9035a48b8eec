import { z } from 'zod'
import { batchOptions } from './batch.ts'
import { extractorChoice } from './extractor.ts'
import { itemText } from './item.ts'
import { result } from './result.ts'

/** The request for one text: it becomes a batch of one item, and the response is its result. */
export const extractNow = z
  .strictObject({
    extractor: extractorChoice,
    text: itemText,
    name: batchOptions.shape.name,
    wait_s: z.number().min(0).max(600).default(60).describe('How long to wait before answering 202 with the batch.'),
    keep_s: z
      .number()
      .min(60)
      .max(31_536_000)
      .default(3_600)
      .describe('How long the batch and its result are kept after its end, at most as long as any batch.'),
  })
  .meta({ id: 'ExtractNow' })

export const extracted = result
  .omit({ index: true, id: true, cursor: true })
  .extend({ batch_id: z.string() })
  .meta({ id: 'Extracted' })
