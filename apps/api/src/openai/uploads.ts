import type { Engine } from '@sluice/engine/engine'
import { FileGoneError } from '@sluice/engine/files/file-bytes'
import type { FileUpload } from '@sluice/engine/files/file-uploads'
import { invalidType, missingParameter, OpenAiError } from './errors.ts'
import { fileExpiry } from './files.ts'
import { readFileForm } from './form.ts'
import { parseExpiry, parsePurpose, readObject, requiredText, requiredWhole } from './inputs.ts'
import { uploadObject } from './shapes.ts'
import { idOf, type OpenAiRoutes } from './routes.ts'

const mb = 1_048_576
/** Of one part, as at OpenAI. */
const mostPartBytes = 64 * mb
/** At OpenAI 8 GB; here as much as a file of the purpose may have otherwise. */
const mostBytes = { batch: 200 * mb, others: 512 * mb }

export function uploadRoutes({ fileUploads }: Engine): OpenAiRoutes {
  return {
    async 'post /uploads'(req) {
      const body = await readObject(req, ['filename', 'purpose', 'bytes', 'mime_type', 'expires_after'])
      const filename = requiredText(body, 'filename')
      const purpose = parsePurpose(requiredText(body, 'purpose'))
      const most = purpose === 'batch' ? mostBytes.batch : mostBytes.others
      const bytes = requiredWhole(body, 'bytes', { least: 1, most })
      const mimeType = requiredText(body, 'mime_type')
      if (purpose === 'batch' && !filename.toLowerCase().endsWith('.jsonl'))
        throw new OpenAiError(400, 'Invalid file format for Batch API. Must be .jsonl')
      const fileExpiresS = parseExpiry(body['expires_after'], 'expires_after')
      return uploadObject(await fileUploads.create({ filename, purpose, bytes, mimeType, fileExpiresS }), null)
    },

    async 'post /uploads/:id/parts'(req) {
      const id = idOf(req)
      await requireUpload(id)
      const { file: part } = await readFileForm(req, {
        name: 'data',
        onFile: (_name, chunks) => fileUploads.addPart(id, boundedPart(chunks)),
      })
      if (part === undefined) throw missingParameter('data')
      if ('refused' in part) throw await refusal(id, part.refused)
      return { id: part.partId, object: 'upload.part', created_at: Math.floor(part.createdAt / 1_000), upload_id: id }
    },

    async 'post /uploads/:id/complete'(req) {
      const id = idOf(req)
      const upload = await requireUpload(id)
      const body = await readObject(req, ['part_ids', 'md5'])
      const { part_ids: partIds, md5 } = body
      if (partIds === undefined) throw missingParameter('part_ids')
      if (!Array.isArray(partIds) || !partIds.every((one) => typeof one === 'string'))
        throw invalidType('part_ids', 'an array of strings', partIds)
      if (md5 !== undefined && md5 !== null && typeof md5 !== 'string') throw invalidType('md5', 'a string', md5)
      const expiresAt = fileExpiry(upload.purpose, upload.fileExpiresS, Date.now())
      const completed = await fileUploads.complete(id, { partIds, md5: md5 ?? undefined, expiresAt }).catch(partsGone)
      switch (completed.type) {
        case 'completed':
          return uploadObject(completed.upload, completed.file)
        case 'not-pending':
          throw notPending(completed.status)
        case 'unknown-part':
          throw new OpenAiError(400, `The upload has no part '${completed.partId}'.`, {
            code: 'invalid_value',
            param: 'part_ids',
          })
        case 'wrong-size':
          throw new OpenAiError(
            400,
            `The parts have ${completed.bytes} bytes together, but the upload was created for ${upload.bytes} bytes.`,
            { code: 'invalid_value', param: 'part_ids' },
          )
        case 'wrong-md5':
          throw new OpenAiError(400, 'The MD5 of the parts is not the given one.', {
            code: 'invalid_value',
            param: 'md5',
          })
        default:
          return completed satisfies never
      }
    },

    async 'post /uploads/:id/cancel'(req) {
      const id = idOf(req)
      await requireUpload(id)
      const cancelled = await fileUploads.cancel(id)
      if ('refused' in cancelled) throw notPending(cancelled.refused)
      return uploadObject(cancelled, null)
    },
  }

  async function requireUpload(id: string): Promise<FileUpload> {
    const upload = await fileUploads.get(id)
    if (upload === null) throw new OpenAiError(404, `No such Upload object: ${id}`, { param: 'id' })
    return upload
  }

  async function refusal(id: string, refused: 'not-pending' | 'too-many'): Promise<OpenAiError> {
    if (refused === 'too-many') return new OpenAiError(400, 'The upload has too many parts.', { param: 'data' })
    return notPending((await requireUpload(id)).status)
  }

  async function* boundedPart(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > mostPartBytes)
        throw new OpenAiError(413, `A part has at most ${mostPartBytes / mb} MB.`, {
          code: 'part_too_large',
          param: 'data',
        })
      yield chunk
    }
  }
}

function notPending(status: FileUpload['status']): OpenAiError {
  return new OpenAiError(400, `The upload is ${status}: only a pending one takes parts, or is completed or cancelled.`)
}

function partsGone(error: unknown): never {
  if (error instanceof FileGoneError)
    throw new OpenAiError(400, 'A part of the upload has expired.', { param: 'part_ids' })
  throw error
}
