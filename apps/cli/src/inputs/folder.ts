import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, matchesGlob, relative, sep } from 'node:path'
import { type ItemInput, maxTextLength } from '@sluice/contract/item'
import { checkItem } from './check-item.ts'
import { isDocument, toDocuments } from './documents.ts'
import { type DocumentFile, type Input, InputError, type Skip } from './input.ts'
import { createDecoder } from './text.ts'

/** A character has at most four bytes. */
const maxFileBytes = 4 * maxTextLength
const maxIdLength = 256

export interface FolderOptions {
  /** A glob over paths within the folder, such as `**\/*.md`. */
  readonly match: string | undefined
  readonly encoding: string
  readonly skip: Skip | undefined
}

/**
 * Each file in a folder and its subfolders is an item, in order of the paths; the path is the id. Hidden files are skipped.
 * If one of them is a document, the server reads all of them; otherwise all are texts, whatever their names are.
 */
export async function openFolder(path: string, { match, encoding, skip }: FolderOptions): Promise<Input> {
  const files = await listFiles(path, match)
  if (files.length === 0) {
    throw new InputError(`${path} contains no files${match === undefined ? '' : ` that match ${match}`}.`)
  }
  const found: DocumentFile[] = await Promise.all(
    files.map(async (id) => ({ id, path: join(path, id), sizeBytes: (await stat(join(path, id))).size })),
  )
  if (files.some(isDocument)) return toDocuments(path, found, skip)

  /** Part of the digest: the same bytes under other file names are other items. */
  const heading = (at: number): Uint8Array => Buffer.from(`${JSON.stringify([found[at]!.id, found[at]!.sizeBytes])}\n`)

  return {
    type: 'items',
    name: path,
    sizeBytes: found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    async *items(seen) {
      for (const [at, file] of files.entries()) {
        seen(heading(at))
        const item = await readItem(file, seen)
        if (item !== undefined) yield item
      }
    },
  }

  async function readItem(file: string, seen: (bytes: Uint8Array) => void): Promise<ItemInput | undefined> {
    const place = join(path, file)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of createReadStream(place) as AsyncIterable<Uint8Array>) {
      seen(chunk)
      size += chunk.length
      if (size <= maxFileBytes) chunks.push(chunk)
    }
    return checkItem(place, () => ({ text: textOf(Buffer.concat(chunks), size), ...identity(file) }), skip)
  }

  function textOf(bytes: Uint8Array, size: number): string {
    if (size > maxFileBytes)
      throw new InputError(
        `The file has ${size.toLocaleString('en')} bytes; a text has at most ${maxTextLength.toLocaleString('en')} characters.`,
      )
    const decoder = createDecoder(encoding)
    try {
      const text = decoder.decode(bytes)
      if (!text.includes('\0')) return text
    } catch {
      // Reported below.
    }
    throw new InputError(`The file is not text in ${encoding}. Select files with --match, such as --match '**/*.txt'.`)
  }
}

function identity(file: string): { id: string } | { metadata: { file: string } } {
  return file.length <= maxIdLength ? { id: file } : { metadata: { file } }
}

async function listFiles(path: string, match: string | undefined): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !file.split('/').some((part) => part.startsWith('.')))
    .filter((file) => match === undefined || matchesGlob(file, match))
    .toSorted((a, b) => (a < b ? -1 : 1))
}
