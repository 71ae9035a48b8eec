import { batchOptions, type BatchOptions, uploadQuery } from '@sluice/contract/batch'
import { invalidRequest } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'

export function parseUploadQuery(query: unknown): BatchOptions & { extractor: string } {
  const { extractor, ...options } = parse(uploadQuery, query)
  if (extractor === undefined)
    throw invalidRequest('invalid_request', 'extractor: Name the extractor in the query: ?extractor=name.', 'extractor')
  return { extractor, ...parse(batchOptions, options) }
}
