import { type BatchOptions, batchOptions } from '@sluice/contract/batch'
import { parse } from '@sluice/contract/parse'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import { bodyOf } from '../gate/body.ts'
import { boundsOf } from '../gate/bounds.ts'
import { readDocuments } from '../intake/documents.ts'
import { type CheckSchema, resolveExtractor } from '../intake/extractor-choice.ts'
import { readIdempotencyKey } from '../http/idempotency-key.ts'
import { readItems } from '../intake/items.ts'
import type { Handlers } from '../http/mount.ts'
import { type UniqueIds, uniqueIds } from '../intake/unique-ids.ts'
import { createSkipped } from '../intake/upload.ts'

/** Number of uploads whose ids this process keeps between requests; the ids of others are read again. */
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
      const { extractor, warnings } = await resolveExtractor(choice, { uploads, ...engine }, checkSchema)
      const { batch, created } = await uploads.open({ extractor, options, idempotency })
      return { status: created ? 201 : 200, body: { ...batch, warnings } }
    },

    async appendItems({ req, bodyType, params: { id = '' }, query: { from, on_invalid: onInvalid } }) {
      const skipped = createSkipped()
      const ids = await idsOf(id, from)
      const items =
        bodyType === 'form'
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

  /** The ids of an upload's items so far: an id is unique across all requests of the upload. */
  async function idsOf(id: string, from: number): Promise<UniqueIds> {
    const here = kept.get(id)
    // A request that is rejected half-way has added ids that no item has.
    kept.delete(id)
    if (here?.count === from) return here.ids
    const ids = uniqueIds()
    let index = 0
    if (from > 0) for await (const { id: given } of uploads.staged(id)) ids(given, index++)
    return ids
  }
}
