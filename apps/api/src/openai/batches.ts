import { requestEndpoint } from '@sluice/contract/request-task'
import type { Engine } from '@sluice/engine/engine'
import { invalidValue, OpenAiError } from './errors.ts'
import { parseExpiry, parseMetadata, parsePage, readObject, requiredText } from './inputs.ts'
import { batchObject } from './shapes.ts'
import { idOf, type OpenAiRoutes } from './routes.ts'

const known = ['input_file_id', 'endpoint', 'completion_window', 'metadata', 'output_expires_after']

export function batchRoutes({ fileBatches }: Engine): OpenAiRoutes {
  return {
    async 'post /batches'(req) {
      const body = await readObject(req, known)
      const inputFileId = requiredText(body, 'input_file_id')
      const endpoint = requestEndpoint.options.find((one) => one === requiredText(body, 'endpoint'))
      if (endpoint === undefined) throw invalidValue('endpoint', body['endpoint'], requestEndpoint.options)
      const completionWindow = requiredText(body, 'completion_window')
      if (completionWindow !== '24h') throw invalidValue('completion_window', completionWindow, ['24h'])
      const record = await fileBatches.create({
        inputFileId,
        endpoint,
        completionWindow,
        metadata: parseMetadata(body['metadata']),
        outputExpiresAfterS: parseExpiry(body['output_expires_after'], 'output_expires_after'),
      })
      return batchObject(record)
    },

    async 'get /batches'(req) {
      const page = parsePage(req.query, { prefix: 'batch_', most: 100, usual: 20 })
      const { data, hasMore } = await fileBatches.list(page)
      return {
        object: 'list',
        data: data.map(batchObject),
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: hasMore,
      }
    },

    async 'get /batches/:id'(req) {
      const record = await fileBatches.get(idOf(req))
      if (record === null) throw noSuchBatch(idOf(req))
      return batchObject(record)
    },

    async 'post /batches/:id/cancel'(req) {
      const cancelled = await fileBatches.cancel(idOf(req))
      if (cancelled === null) throw noSuchBatch(idOf(req))
      if ('refused' in cancelled)
        throw new OpenAiError(409, `Cannot cancel a batch with status '${cancelled.refused}'.`)
      return batchObject(cancelled)
    },
  }
}

function noSuchBatch(id: string): OpenAiError {
  return new OpenAiError(404, `No batch found with id '${id}'.`)
}
