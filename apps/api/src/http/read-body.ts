import { invalidRequest } from '@sluice/contract/error'
import type { RequestHandler } from 'express'
import { readJsonBody } from '../gate/json-body.ts'
import { readsBodyItself } from './mount.ts'

const charsets = /^(utf-?8|us-ascii)$/i

/** Parses JSON bodies up to `limitBytes`; what is too large, too deep, not JSON or of another type is refused with the reason. */
export function createReadBody(limitBytes: number): RequestHandler {
  return async (req, _res, next) => {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
    if (!hasBody || readsBodyItself(req)) return next()
    const type = req.headers['content-type'] ?? 'none'
    if (!req.is(['application/json', 'application/*+json'])) {
      throw invalidRequest(
        'unsupported_media_type',
        `Send JSON with content-type: application/json, not ${type}.`,
        'content-type',
      )
    }
    const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1] ?? 'utf-8'
    if (!charsets.test(charset))
      throw invalidRequest('unsupported_media_type', `Send JSON in UTF-8, not in ${charset}.`, 'content-type')
    req.body = await readJsonBody(req, limitBytes)
    return next()
  }
}
