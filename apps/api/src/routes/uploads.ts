import { type BatchOptions, batchOptions } from '@sluice/contract/batch'
import { invalidRequest } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import { bodyOf } from '../gate/body.ts'
import { boundsOf } from '../gate/bounds.ts'
import { readDocuments } from '../intake/documents.ts'
import { type CheckSchema, resolveExtractor } from '../intake/extractor-choice.ts'
import { readIdempotencyKey } from '../http/idempotency-key.ts'
import { readItems } from '../intake/items.ts'
import { type Handlers, isDocumentUpload, readsBodyItself } from '../http/mount.ts'
import { type UniqueIds, uniqueIds } from '../intake/unique-ids.ts'
import { createSkipped } from '../intake/upload.ts'

/** Uploads whose ids this process remembers between requests; others are read again. */
const uploadsKept = 8

export function uploadRoutes(
  { uploads, ...engine }: Engine,
  checkSchema: CheckSchema,
  documentReader: DocumentReader,
): Pick<Handlers, 'openUpload' | 'appendItems' | 'sealBatch'> {
  const kept = new Map<string, { readonly ids: UniqueIds; readonly count: number }>()

  return {
    async openUpload({ req, body }) {
      const { extractor: choice, ...rest } = body
      const idempotency = readIdempotencyKey(req, body)
      const options: BatchOptions = parse(batchOptions, rest)
      const extractor = await resolveExtractor(choice, { uploads, ...engine }, checkSchema)
      const { batch, created } = await uploads.open({ extractor, options, idempotency })
      return { status: created ? 201 : 200, body: batch }
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
      const ids = await idsOf(id, from)
      const items = isDocumentUpload(req)
        ? readDocuments(req, documentReader, { from, ids })
        : readItems(bodyOf(req), {
            ...boundsOf(req),
            from,
            ids,
            ...(onInvalid === 'skip' ? { skip: skipped.add } : {}),
          })
      try {
        const { counts } = await uploads.append(id, from, items)
        if (kept.size >= uploadsKept) kept.delete(kept.keys().next().value ?? '')
        kept.set(id, { ids, count: counts.total })
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
  async function idsOf(id: string, from: number): Promise<UniqueIds> {
    const here = kept.get(id)
    // What is refused half-way has added ids that are in no item.
    kept.delete(id)
    if (here?.count === from) return here.ids
    const ids = uniqueIds()
    let index = 0
    if (from > 0) for await (const { id: given } of uploads.staged(id)) ids(given, index++)
    return ids
  }
}
