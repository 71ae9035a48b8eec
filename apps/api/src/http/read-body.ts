import { invalidRequest, SluiceError } from '@sluice/contract/error'
import express, { type RequestHandler } from 'express'
import { readsBodyItself } from './mount.ts'

/** Parses JSON bodies up to `limitBytes`; what is too large, not JSON or of another type is refused with the reason. */
export function createReadBody(limitBytes: number): RequestHandler {
  const json = express.json({ limit: limitBytes, strict: false })
  const limit = `${Math.floor(limitBytes / 1_048_576)} MB`
  return (req, res, next) => {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
    if (!hasBody || readsBodyItself(req)) return next()
    if (!req.is(['application/json', 'application/*+json'])) {
      return next(
        invalidRequest(
          'unsupported_media_type',
          `Send JSON with content-type: application/json, not ${req.headers['content-type'] ?? 'none'}.`,
          'content-type',
        ),
      )
    }
    return json(req, res, (error?: unknown) => next(error === undefined ? undefined : explain(error)))
  }

  function explain(error: unknown): unknown {
    const { type = '', message } = error as { type?: string; message?: string }
    switch (type) {
      case 'entity.too.large':
        return new SluiceError(
          'invalid_request_error',
          'too_large',
          `The body is larger than ${limit}: send items as application/x-ndjson, which may be of any size, or in several batches.`,
        )
      case 'entity.parse.failed':
        return invalidRequest('invalid_json', `The body is not valid JSON: ${message ?? ''}`)
      case 'encoding.unsupported':
      case 'charset.unsupported':
        return invalidRequest(
          'unsupported_media_type',
          `The body's encoding is not known: ${message ?? ''}`,
          'content-encoding',
        )
      case 'request.aborted':
      case 'request.size.invalid':
        return invalidRequest('invalid_request', `The body did not arrive whole: ${message ?? ''}`)
      default:
        return error
    }
  }
}
