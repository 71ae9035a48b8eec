import { setImmediate } from 'node:timers/promises'
import { batchOptions } from '@sluice/contract/batch'
import type { Estimate } from '@sluice/contract/estimate'
import type { Item } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine, NewBatch, RetryPreview } from '@sluice/engine/engine'
import type { Request } from 'express'
import { bodyOf } from '../gate/body.ts'
import { boundsOf } from '../gate/bounds.ts'
import type { CheckSchema } from '../intake/extractor-choice.ts'
import { readDocumentUpload } from '../intake/documents.ts'
import { readIdempotencyKey } from '../http/idempotency-key.ts'
import { readItems } from '../intake/items.ts'
import { readTask, resolveTask, type TaskChoice } from '../intake/task-choice.ts'
import type { Handlers } from '../http/mount.ts'
import { createSkipped, parseUploadQuery } from '../intake/upload.ts'
import { createEstimator } from './estimator.ts'

/** Items whose tokens are counted before other requests are served: about 10 ms. */
const countedAtOnce = 100

type Names =
  | 'createBatch'
  | 'estimateBatch'
  | 'listBatches'
  | 'getBatch'
  | 'patchBatch'
  | 'pauseBatch'
  | 'resumeBatch'
  | 'cancelBatch'
  | 'retryBatch'
  | 'deleteBatch'

export function batchRoutes(
  engine: Engine,
  checkSchema: CheckSchema,
  documentReader: DocumentReader,
): Pick<Handlers, Names> {
  const { batches } = engine
  const estimator = createEstimator()

  async function submit(
    req: Request,
    choice: TaskChoice,
    input: Pick<NewBatch, 'options' | 'skipped'>,
    items: Iterable<Item> | AsyncIterable<Item>,
    fingerprinted: unknown,
  ) {
    const idempotency = readIdempotencyKey(req, fingerprinted)
    const { task, warnings } = await resolveTask(choice, engine, checkSchema)
    const { batch, created } = await batches.create({ ...input, ...task, idempotency }, items)
    return {
      status: created ? 202 : 200,
      body: { ...batch, warnings },
      headers: { 'x-sluice-durability': engine.durability },
    }
  }

  async function estimate(choice: TaskChoice, items: Iterable<Item> | AsyncIterable<Item>): Promise<Estimate> {
    const { task } = await resolveTask(choice, engine, checkSchema)
    const definition = task.extractor ?? task.requests
    const tokensOf = estimator(definition, null)
    let count = 0
    let input = 0
    let output = 0
    for await (const { text, failure } of items) {
      count += 1
      if (failure !== undefined) continue
      const tokens = tokensOf(text)
      input += tokens.input
      output += tokens.output
      // Counting uses the CPU, so other requests are served in between.
      if (count % countedAtOnce === 0) await setImmediate()
    }
    const usage = { input_tokens: input, output_tokens: output }
    return { object: 'estimate', items: count, ...usage, cost_usd: engine.cost(definition.lane, usage) }
  }

  /** One call for each item, as long as those of the sample. Answers are as long as those so far. */
  function estimateRetry({ count, task, sampled, texts, answerTokens }: RetryPreview) {
    if (task === null || (sampled === 0 && count > 0)) return null
    const each = count / Math.max(1, sampled)
    const tokens = texts.map(estimator(task, answerTokens))
    const sum = (of: 'input' | 'output') => Math.round(tokens.reduce((all, one) => all + one[of], 0) * each)
    const usage = { input_tokens: sum('input'), output_tokens: sum('output') }
    return { ...usage, cost_usd: engine.cost(task.lane, usage) }
  }

  return {
    async createBatch({ req, body, bodyType }) {
      switch (bodyType) {
        case 'lines': {
          const { extractor, options, onInvalid } = parseUploadQuery(req.query)
          const skipped = createSkipped()
          const items = readItems(bodyOf(req), {
            ...boundsOf(req),
            ...(onInvalid === 'skip' ? { skip: skipped.add } : {}),
          })
          // A stream cannot be compared with an earlier one: the fingerprint is that of its query.
          return submit(req, extractor, { options, skipped: skipped.report }, items, req.query)
        }
        case 'form': {
          const { batch, items } = await readDocumentUpload(req, documentReader)
          const { extractor, ...options } = batch
          // Documents cannot be compared with earlier ones: the fingerprint is that of the field `batch`.
          return submit(req, extractor, { options: parse(batchOptions, options) }, items, batch)
        }
        case 'json': {
          const { choice, items, options } = readTask(body)
          return submit(req, choice, { options: parse(batchOptions, options) }, items, body)
        }
        default:
          return bodyType satisfies never
      }
    },
    async estimateBatch({ req, body, bodyType }) {
      switch (bodyType) {
        case 'lines': {
          const { extractor } = parseUploadQuery(req.query)
          return { status: 200, body: await estimate(extractor, readItems(bodyOf(req), boundsOf(req))) }
        }
        case 'form': {
          const { batch, items } = await readDocumentUpload(req, documentReader)
          return { status: 200, body: await estimate(batch.extractor, items) }
        }
        case 'json': {
          const { choice, items } = readTask(body)
          return { status: 200, body: await estimate(choice, items) }
        }
        default:
          return bodyType satisfies never
      }
    },
    listBatches: async ({ query }) => ({ status: 200, body: await batches.list(query) }),
    getBatch: async ({ params }) => ({ status: 200, body: await batches.get(params['id'] ?? '') }),
    patchBatch: async ({ params, body }) => ({ status: 200, body: await batches.patch(params['id'] ?? '', body) }),
    pauseBatch: async ({ params }) => ({ status: 200, body: await batches.pause(params['id'] ?? '') }),
    resumeBatch: async ({ params }) => ({ status: 200, body: await batches.resume(params['id'] ?? '') }),
    cancelBatch: async ({ params }) => ({ status: 200, body: await batches.cancel(params['id'] ?? '') }),
    async retryBatch({ params: { id = '' }, body: { dry_run: dryRun, ...selection } }) {
      const answer = { object: 'retry', batch_id: id, dry_run: dryRun }
      if (!dryRun) {
        return { status: 200, body: { ...answer, retried: await batches.retry(id, selection), estimate: null } }
      }
      const preview = await batches.previewRetry(id, selection)
      return { status: 200, body: { ...answer, retried: preview.count, estimate: estimateRetry(preview) } }
    },
    async deleteBatch({ params: { id = '' } }) {
      await batches.delete(id)
      return { status: 200, body: { id, object: 'batch', deleted: true } }
    },
  }
}
