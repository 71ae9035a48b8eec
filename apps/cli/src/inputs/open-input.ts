import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { isDocument, toDocuments } from './documents.ts'
import { openFolder } from './folder.ts'
import { readCsv } from './csv.ts'
import { type Fields, type Input, InputError, type Skip } from './input.ts'
import { readJsonl, readLines } from './jsonl.ts'
import { spool } from './spool.ts'
import { createDecoder, decode } from './text.ts'

export const formats = ['jsonl', 'csv', 'lines'] as const
export type Format = (typeof formats)[number]

export interface InputOptions {
  readonly fields: Fields
  /** Default: by the file extension; for standard input `jsonl`. */
  readonly format: Format | undefined
  readonly encoding: string
  readonly delimiter: string | undefined
  readonly match: string | undefined
}

const formatOf: Readonly<Record<string, Format>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'lines',
}

/** A file, a folder, or standard input (`-`). Throws an InputError if it cannot be read or its format is unknown. */
export async function openInput(
  path: string,
  options: InputOptions,
  { skip, signal }: { readonly skip: Skip | undefined; readonly signal: AbortSignal },
): Promise<Input> {
  // Checked before anything is read: an unknown encoding is a wrong option.
  createDecoder(options.encoding)
  if (path === '-') return openFile(await spool(process.stdin, signal), 'standard input', options.format ?? 'jsonl')
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(
      error.code === 'ENOENT' ? `File or folder not found: ${path}` : `Cannot read ${path} (${error.code}).`,
    )
  })
  if (found.isDirectory()) return openFolder(path, { match: options.match, encoding: options.encoding, skip })
  const ending = extname(path).toLowerCase()
  if (options.format === undefined && found.isFile() && isDocument(path)) {
    const name = basename(path)
    return toDocuments(name, [{ path, id: name, sizeBytes: found.size }], undefined)
  }
  const format = options.format ?? formatOf[ending]
  if (format === undefined) throw new InputError(unknownKind(path, ending))
  // A named pipe can be read only once.
  const kept = found.isFile() ? path : await spool(createReadStream(path), signal)
  return openFile(kept, basename(path), format, ending === '.tsv' ? '\t' : undefined)

  async function openFile(file: string, name: string, format: Format, usualDelimiter?: string): Promise<Input> {
    return {
      type: 'items',
      name,
      sizeBytes: (await stat(file)).size,
      items(seen) {
        const texts = decode(tapped(createReadStream(file), seen), options.encoding, name)
        const { fields, delimiter = usualDelimiter } = options
        switch (format) {
          case 'jsonl':
            return readJsonl(texts, { name, fields, skip })
          case 'csv':
            return readCsv(texts, { name, fields, delimiter, skip })
          case 'lines':
            return readLines(texts, { name, skip })
          default:
            return format satisfies never
        }
      },
    }
  }
}

async function* tapped(
  chunks: AsyncIterable<Uint8Array>,
  seen: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    seen(chunk)
    yield chunk
  }
}

function unknownKind(path: string, ending: string): string {
  if (ending === '.json') {
    return `${path} must be JSONL, one line of JSON per item. To convert it: jq -c '.[]' ${path} > ${path}l. If it is JSONL already, add --format jsonl.`
  }
  return `The format of ${path} is unknown. Add --format jsonl, csv or lines.`
}
