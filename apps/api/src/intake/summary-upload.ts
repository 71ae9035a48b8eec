import { invalidRequest, SluiceError } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import { documentSummary, type SummaryOptions } from '@sluice/contract/summary'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Request } from 'express'
import { bodyOf } from '../gate/body.ts'
import { boundsOf } from '../gate/bounds.ts'
import { parseJsonPart } from '../gate/json-body.ts'
import { mostFieldBytes, requireKind } from './documents.ts'
import { readForm } from './multipart.ts'

const how = 'Send a form of the field `summary` first, then one file, the field `document`.'

/** A form with one document. If it cannot be read, the request is rejected at once. */
export async function readSummaryUpload(
  req: Request,
  reader: DocumentReader,
): Promise<SummaryOptions & { readonly text: string }> {
  const options = {
    files: 'document',
    mostFileBytes: reader.limits.bytes,
    mostFieldBytes,
    memory: boundsOf(req).memory,
  }
  const parts = readForm(req.headers, bodyOf(req), options)
  const first = await parts.next()
  if (first.done || first.value.type === 'file' || first.value.name !== 'summary')
    throw invalidRequest('invalid_request', `summary: The form does not begin with this field. ${how}`, 'summary')
  const settings = parse(documentSummary, parseJsonPart(first.value.value, first.value.name))
  const second = await parts.next()
  if (second.done || second.value.type === 'field')
    throw invalidRequest('invalid_request', `document: The form has no file. ${how}`, 'document')
  const read = await reader.read({ kind: requireKind(second.value, 'document'), bytes: second.value.bytes })
  if ((await parts.next()).done !== true)
    throw invalidRequest('invalid_request', `The form has more than one document. ${how}`, 'document')
  switch (read.type) {
    case 'text':
      return { ...settings, text: read.text }
    case 'unreadable':
      throw invalidRequest('unreadable_document', `document: ${read.message}`, 'document')
    case 'too_large':
      throw new SluiceError('invalid_request_error', 'too_large', `document: ${read.message}`, { param: 'document' })
    default:
      return read satisfies never
  }
}
