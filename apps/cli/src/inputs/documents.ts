import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { type DocumentFile, type DocumentsInput, InputError, type Skip } from './input.ts'

/** Files that are more than their text: these the server reads. */
const documents = new Set(['.pdf', '.html', '.htm', '.xhtml', '.md', '.markdown'])
const readable = new Set([...documents, '.txt', '.text'])

export function isDocument(file: string): boolean {
  return documents.has(extname(file).toLowerCase())
}

/** Files of other types are told to `skip`; without it the first is thrown. */
export function toDocuments(name: string, found: readonly DocumentFile[], skip: Skip | undefined): DocumentsInput {
  const files = found.filter(({ path }) => {
    if (readable.has(extname(path).toLowerCase())) return true
    const message =
      "It is neither text, Markdown, HTML nor PDF. Choose the files with --match, such as --match '**/*.pdf'."
    if (skip === undefined) throw new InputError(`${path}: ${message}`)
    skip(path, message)
    return false
  })
  if (files.length === 0) throw new InputError(`There is no document in ${name}.`)
  return { type: 'documents', name, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), files }
}

/** Every byte that decides about the items: names, too, because they are the ids. */
export async function* contentOf(files: readonly DocumentFile[]): AsyncGenerator<Uint8Array> {
  for (const { path, id, sizeBytes } of files) {
    yield Buffer.from(`${JSON.stringify([id, sizeBytes])}\n`)
    yield* createReadStream(path) as AsyncIterable<Uint8Array>
  }
}
