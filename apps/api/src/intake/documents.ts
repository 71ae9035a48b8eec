import { documentBatch } from '@sluice/contract/batch'
import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import { type DocumentKind, documentKind, readableDocuments } from '@sluice/documents/document-kind'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Request } from 'express'
import type { z } from 'zod'
import { type UniqueIds, uniqueIds } from './unique-ids.ts'
import { type FormFile, type FormPart, readForm } from './multipart.ts'
import { bodyOf } from './upload.ts'

export const mostFieldBytes = 4 * 1_048_576
const longestFileName = 256
const how = 'Send a form of the field `batch` first, then the files, each as a field `documents`.'
const howFiles = 'Send a form of files, each as a field `documents`.'

export interface DocumentUpload {
  readonly batch: z.output<typeof documentBatch>
  /** In the order sent. One whose text cannot be had is an item that fails. */
  readonly items: AsyncIterable<Item>
}

/** Resolves when the field `batch` is there; the documents are read as they come, as many at once as the reader reads. */
export async function readDocumentUpload(req: Request, reader: DocumentReader): Promise<DocumentUpload> {
  const parts = partsOf(req, reader)
  const first = await parts.next()
  if (first.done || first.value.type === 'file' || first.value.name !== 'batch')
    throw invalidRequest('invalid_request', `batch: The form does not begin with this field. ${how}`, 'batch')
  return { batch: parse(documentBatch, parseJson(first.value)), items: itemsOf(parts, reader, how) }
}

/** The items of a form of documents alone, the first of which has the index `from`. */
export function readDocuments(
  req: Request,
  reader: DocumentReader,
  { from, ids }: { from: number; ids: UniqueIds },
): AsyncIterable<Item> {
  return itemsOf(partsOf(req, reader), reader, howFiles, from, ids)
}

function partsOf(req: Request, reader: DocumentReader): AsyncGenerator<FormPart> {
  const limits = { files: 'documents', mostFileBytes: reader.limits.bytes, mostFieldBytes }
  return readForm(req.headers, bodyOf(req), limits)
}

export function parseJson({ name, value }: Extract<FormPart, { type: 'field' }>): unknown {
  try {
    return JSON.parse(value)
  } catch (error) {
    throw invalidRequest('invalid_json', `${name}: This is not valid JSON: ${(error as Error).message}`, name)
  }
}

export function requireKind({ fileName, mediaType }: FormFile, param: string): DocumentKind {
  const kind = documentKind(fileName, mediaType)
  if (kind !== null) return kind
  const message = `${param}: '${fileName}' (${mediaType}) is of no type that is read: send ${readableDocuments}.`
  throw new SluiceError('invalid_request_error', 'unsupported_media_type', message, { param })
}

async function* itemsOf(
  parts: AsyncIterable<FormPart>,
  reader: DocumentReader,
  howTo: string,
  from = 0,
  ids = uniqueIds(),
): AsyncGenerator<Item> {
  const reading: Promise<Item>[] = []
  let index = 0
  for await (const part of parts) {
    if (part.type === 'field')
      throw invalidRequest('invalid_request', `${part.name}: There is no such field. ${howTo}`, part.name)
    const item = readItem(part, index)
    // Told when it is this item's turn.
    item.catch(() => undefined)
    reading.push(item)
    index += 1
    if (reading.length > reader.processes) yield (await reading.shift()) as Item
  }
  for (const item of reading) yield await item
  if (index === 0)
    throw invalidRequest('invalid_request', `documents: A batch has at least one document. ${howTo}`, 'documents')

  function readItem(file: FormFile, at: number): Promise<Item> {
    const { fileName, bytes } = file
    const param = `documents[${at}]`
    if (fileName === undefined || fileName === '' || fileName.length > longestFileName) {
      throw invalidRequest(
        'invalid_item',
        `${param}: A document needs a file name of at most ${longestFileName} characters: it is the item's id.`,
        param,
      )
    }
    const first = ids(fileName, from + at)
    if (first !== undefined) {
      throw invalidRequest(
        'duplicate_id',
        `${param}: '${fileName}' is the id of item ${first} (counted from 0) already: a document's name is its id, and ids are unique within a batch.`,
        param,
      )
    }
    return toItem(fileName, reader.read({ kind: requireKind(file, param), bytes }))
  }
}

async function toItem(id: string, reading: ReturnType<DocumentReader['read']>): Promise<Item> {
  const read = await reading
  return read.type === 'text' ? { id, text: read.text } : { id, text: '', failure: read }
}
