import { type BatchOptions, batchOptions } from '@sluice/contract/batch'
import { parse } from '@sluice/contract/parse'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import { bodyOf } from '../gate/body.ts'
import { boundsOf } from '../gate/bounds.ts'
import { LRUCache } from 'lru-cache'
import { readDocuments } from '../intake/documents.ts'
import { type CheckSchema, resolveExtractor } from '../intake/extractor-choice.ts'
import { readIdempotencyKey } from '../http/idempotency-key.ts'
import { readItems } from '../intake/items.ts'
import type { Handlers } from '../http/mount.ts'
import { type UniqueIds, uniqueIds } from '../intake/unique-ids.ts'
import { createSkipped } from '../intake/upload.ts'

/** Uploads whose ids this process keeps between requests, and ids in all (24 bytes each); those of others are read again. */
const uploadsKept = 1_000
const idsKept = 5_000_000

export function uploadRoutes(
  { uploads, ...engine }: Engine,
  checkSchema: CheckSchema,
  documentReader: DocumentReader,
): Pick<Handlers, 'openUpload' | 'appendItems' | 'sealBatch'> {
  const kept = new LRUCache<string, { readonly ids: UniqueIds; readonly count: number }>({
    max: uploadsKept,
    maxSize: idsKept,
    // At least one upload is kept, of any size.
    sizeCalculation: ({ count }) => Math.min(count + 1_024, idsKept),
  })

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

  /**
   * The ids of an upload's items so far: an id is unique across all requests of the upload. If other processes added items since this
   * one did, only those are read: to read all of them again for each request would take time with the square of their number.
   */
  async function idsOf(id: string, from: number): Promise<UniqueIds> {
    const here = kept.get(id)
    // A request that is rejected half-way has added ids that no item has.
    kept.delete(id)
    const [ids, known] = here !== undefined && here.count <= from ? [here.ids, here.count] : [uniqueIds(), 0]
    let index = known
    if (known < from) {
      for await (const items of uploads.staged(id, known)) for (const item of items) ids(item.id, index++)
    }
    return ids
  }
}
