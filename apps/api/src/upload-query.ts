import { batchOptions, type BatchOptions } from '@sluice/contract/batch'
import { extractorReference } from '@sluice/contract/extractor'
import { parse } from '@sluice/contract/parse'
import { z } from 'zod'

/** The options of a batch as query parameters, where its body is a stream of items. */
const uploadQuery = z.strictObject({
  extractor: extractorReference,
  concurrency: z.coerce.number().optional(),
  priority: z.coerce.number().optional(),
})

export function parseUploadQuery(query: unknown): BatchOptions & { extractor: string } {
  const { extractor, ...options } = parse(uploadQuery, query)
  return { extractor, ...parse(batchOptions, options) }
}
