import { type BatchOptions, batchOptions } from '@sluice/contract/batch'
import { invalidRequest } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import { readDocuments } from '../documents.ts'
import { type CheckSchema, resolveExtractor } from '../extractor-choice.ts'
import { readItems, uniqueIds } from '../items.ts'
import { type Handlers, isDocumentUpload, readsBodyItself } from '../mount.ts'
import { bodyOf, createSkipped } from '../upload.ts'

export function uploadRoutes(
  { uploads, ...engine }: Engine,
  checkSchema: CheckSchema,
  documentReader: DocumentReader,
): Pick<Handlers, 'openUpload' | 'appendItems' | 'sealBatch'> {
  return {
    async openUpload({ body: { extractor: choice, ...rest } }) {
      const options: BatchOptions = parse(batchOptions, rest)
      const extractor = await resolveExtractor(choice, { uploads, ...engine }, checkSchema)
      return { status: 201, body: await uploads.open({ extractor, options }) }
    },

    async appendItems({ req, params: { id = '' }, query: { from, on_invalid: onInvalid } }) {
      if (!readsBodyItself(req)) {
        throw invalidRequest(
          'unsupported_media_type',
          'Send items with content-type: application/x-ndjson, or documents with multipart/form-data.',
          'content-type',
        )
      }
      const skipped = createSkipped()
      const ids = uniqueIds()
      if (from > 0) await known(id, ids)
      const items = isDocumentUpload(req)
        ? readDocuments(req, documentReader, { from, ids })
        : readItems(bodyOf(req), { from, ids, ...(onInvalid === 'skip' ? { skip: skipped.add } : {}) })
      try {
        await uploads.append(id, from, items)
      } finally {
        const report = skipped.report()
        if (report !== undefined) await uploads.addSkipped(id, report)
      }
      return { status: 200, body: await engine.batches.get(id) }
    },

    sealBatch: async ({ params: { id = '' } }) => ({
      status: 202,
      body: await uploads.seal(id),
      headers: { 'x-sluice-durability': engine.durability },
    }),
  }

  /** Ids must differ from those of earlier requests, too. */
  async function known(id: string, ids: (id: string, index: number) => number | undefined): Promise<void> {
    let index = 0
    for await (const { id: given } of uploads.staged(id)) ids(given, index++)
  }
}
