import { batchOptions, type BatchOptions, type Skipped, uploadQuery } from '@sluice/contract/batch'
import { invalidRequest } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'

const reportedLines = 20

export interface UploadOptions {
  readonly extractor: string
  readonly options: BatchOptions
  readonly onInvalid: 'stop' | 'skip'
}

/** The options of a batch as query parameters, where its body is a stream of items. */
export function parseUploadQuery(query: unknown): UploadOptions {
  const { extractor, on_invalid: onInvalid, ...options } = parse(uploadQuery, query)
  if (extractor === undefined)
    throw invalidRequest('invalid_request', 'extractor: Name the extractor in the query: ?extractor=name.', 'extractor')
  return { extractor, options: parse(batchOptions, options), onInvalid }
}

/** Counts the lines that are left out, and keeps the first for the report. */
export function createSkipped(): {
  readonly add: (line: number, message: string) => void
  readonly report: () => Skipped | undefined
} {
  let count = 0
  const first: Skipped['first'] = []
  return {
    add(line, message) {
      count += 1
      if (first.length < reportedLines) first.push({ line, message })
    },
    report: () => (count === 0 ? undefined : { count, first }),
  }
}
