import { createHash } from 'node:crypto'
import { parse } from '@sluice/contract/parse'
import { idempotencyHeaders } from '@sluice/contract/routes'
import type { NewBatch } from '@sluice/engine/engine'
import type { Request } from 'express'

/** The request's Idempotency-Key with the fingerprint of `input`; undefined without a key. */
export function readIdempotencyKey(req: Request, input: unknown): NewBatch['idempotency'] {
  const { 'Idempotency-Key': key } = parse(idempotencyHeaders, { 'Idempotency-Key': req.get('idempotency-key') })
  if (key === undefined) return undefined
  return { key, fingerprint: createHash('sha256').update(JSON.stringify(input)).digest('base64url') }
}
