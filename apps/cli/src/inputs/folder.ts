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
 * Each file of a folder and its subfolders is an item, by the order of their paths; its id is its path in it. Hidden files are left out.
 * Where one of them is a document, the server reads them all; else they are texts, whatever they are called.
 */
export async function openFolder(path: string, { match, encoding, skip }: FolderOptions): Promise<Input> {
  const files = await listFiles(path, match)
  if (files.length === 0) {
    throw new InputError(`There is no file in ${path}${match === undefined ? '' : ` that matches ${match}`}.`)
  }
  const found: DocumentFile[] = await Promise.all(
    files.map(async (id) => ({ id, path: join(path, id), sizeBytes: (await stat(join(path, id))).size })),
  )
  if (files.some(isDocument)) return toDocuments(path, found, skip)

  /** What tells files of one folder apart from the same bytes in other files. */
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
        `It has ${size.toLocaleString('en')} bytes; a text has at most ${maxTextLength.toLocaleString('en')} characters.`,
      )
    const decoder = createDecoder(encoding)
    try {
      const text = decoder.decode(bytes)
      if (!text.includes('\0')) return text
    } catch {
      // Told below.
    }
    throw new InputError(`It is not a text in ${encoding}. Choose the files with --match, such as --match '**/*.txt'.`)
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
