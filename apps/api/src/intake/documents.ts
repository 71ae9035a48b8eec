import { documentBatch } from '@sluice/contract/batch'
import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import { parse } from '@sluice/contract/parse'
import { type DocumentKind, documentKind, readableDocuments } from '@sluice/documents/document-kind'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Request } from 'express'
import type { z } from 'zod'
import { bodyOf } from '../gate/body.ts'
import { boundsOf } from '../gate/bounds.ts'
import { parseJsonPart } from '../gate/json-body.ts'
import type { MemoryShare } from '../gate/memory.ts'
import { type UniqueIds, uniqueIds } from './unique-ids.ts'
import { type FormFile, type FormPart, readForm } from './multipart.ts'

export const mostFieldBytes = 4 * 1_048_576
const longestFileName = 256
const how = 'Send a form of the field `batch` first, then the files, each as a field `documents`.'
const howFiles = 'Send a form of files, each as a field `documents`.'

export interface DocumentUpload {
  readonly batch: z.output<typeof documentBatch>
  /** In the order sent. A document that cannot be read is an item that fails. */
  readonly items: AsyncIterable<Item>
}

/** Resolves when the field `batch` has arrived. The documents are read as they arrive, as many at once as the reader allows. */
export async function readDocumentUpload(req: Request, reader: DocumentReader): Promise<DocumentUpload> {
  const parts = partsOf(req, reader)
  const first = await parts.next()
  if (first.done || first.value.type === 'file' || first.value.name !== 'batch')
    throw invalidRequest('invalid_request', `batch: The form does not begin with this field. ${how}`, 'batch')
  const batch = parse(documentBatch, parseJsonPart(first.value.value, first.value.name))
  return { batch, items: itemsOf(parts, { reader, memory: boundsOf(req).memory, howTo: how }) }
}

/** The items of a form of documents alone, the first of which has the index `from`. */
export function readDocuments(
  req: Request,
  reader: DocumentReader,
  { from, ids }: { from: number; ids: UniqueIds },
): AsyncIterable<Item> {
  return itemsOf(partsOf(req, reader), { reader, memory: boundsOf(req).memory, howTo: howFiles, from, ids })
}

function partsOf(req: Request, reader: DocumentReader): AsyncGenerator<FormPart> {
  const { memory } = boundsOf(req)
  const options = { files: 'documents', mostFileBytes: reader.limits.bytes, mostFieldBytes, memory }
  return readForm(req.headers, bodyOf(req), options)
}

export function requireKind({ fileName, mediaType }: FormFile, param: string): DocumentKind {
  const kind = documentKind(fileName, mediaType)
  if (kind !== null) return kind
  const message = `${param}: '${fileName}' (${mediaType}) has a type that is not supported: send ${readableDocuments}.`
  throw new SluiceError('invalid_request_error', 'unsupported_media_type', message, { param })
}

interface ReadOptions {
  readonly reader: DocumentReader
  readonly memory: MemoryShare
  /** Ends the messages of refusals. */
  readonly howTo: string
  readonly from?: number
  readonly ids?: UniqueIds
}

async function* itemsOf(
  parts: AsyncIterable<FormPart>,
  { reader, memory, howTo, from = 0, ids = uniqueIds() }: ReadOptions,
): AsyncGenerator<Item> {
  const reading: Promise<Item>[] = []
  let index = 0
  for await (const part of parts) {
    if (part.type === 'field')
      throw invalidRequest('invalid_request', `${part.name}: There is no such field. ${howTo}`, part.name)
    const item = readItem(part, index)
    // Its error is thrown when this item is yielded.
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
    // Control characters could change the terminals and logs that show an id.
    if (/\p{Cc}/u.test(fileName)) {
      throw invalidRequest('invalid_item', `${param}: The file name has control characters: rename the file.`, param)
    }
    const first = ids(fileName, from + at)
    if (first !== undefined) {
      throw invalidRequest(
        'duplicate_id',
        `${param}: '${fileName}' is the id of item ${first} (counted from 0) already: a document's name is its id, and ids are unique within a batch.`,
        param,
      )
    }
    const reading = reader.read({ kind: requireKind(file, param), bytes })
    return toItem(fileName, reading).finally(() => memory.give(bytes.length))
  }
}

async function toItem(id: string, reading: ReturnType<DocumentReader['read']>): Promise<Item> {
  const read = await reading
  return read.type === 'text' ? { id, text: read.text } : { id, text: '', failure: read }
}
