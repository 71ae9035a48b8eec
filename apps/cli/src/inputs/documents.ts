import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { type DocumentFile, type DocumentsInput, InputError, type Skip } from './input.ts'

/** File types that are more than plain text: the server reads them. */
const documents = new Set(['.pdf', '.html', '.htm', '.xhtml', '.md', '.markdown'])
const readable = new Set([...documents, '.txt', '.text'])

export function isDocument(file: string): boolean {
  return documents.has(extname(file).toLowerCase())
}

/** Files of other types are reported to `skip`; without it the first one throws. */
export function toDocuments(name: string, found: readonly DocumentFile[], skip: Skip | undefined): DocumentsInput {
  const files = found.filter(({ path }) => {
    if (readable.has(extname(path).toLowerCase())) return true
    const message =
      "The file is neither text, Markdown, HTML nor PDF. Select files with --match, such as --match '**/*.pdf'."
    if (skip === undefined) throw new InputError(`${path}: ${message}`)
    skip(path, message)
    return false
  })
  if (files.length === 0) throw new InputError(`${name} contains no documents.`)
  return { type: 'documents', name, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), files }
}

/** Every byte that defines the items, including the names, because they are the ids. */
export async function* contentOf(files: readonly DocumentFile[]): AsyncGenerator<Uint8Array> {
  for (const { path, id, sizeBytes } of files) {
    yield Buffer.from(`${JSON.stringify([id, sizeBytes])}\n`)
    yield* createReadStream(path) as AsyncIterable<Uint8Array>
  }
}
