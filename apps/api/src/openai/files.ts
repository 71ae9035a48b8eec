import type { Engine } from '@sluice/engine/engine'
import { FileGoneError } from '@sluice/engine/files/file-bytes'
import { type FilePurpose, type FileRecord, hasExpired } from '@sluice/engine/files/file-record'
import type { Response } from 'express'
import { leaving, streamBytes } from '../http/stream.ts'
import { missingParameter, noSuchFile, OpenAiError } from './errors.ts'
import { createFirstLine, type FirstLine } from './first-line.ts'
import { readFileForm } from './form.ts'
import { parseFormExpiry, parseOrder, parsePage, parsePurpose } from './inputs.ts'
import { fileObject } from './shapes.ts'
import { idOf, type OpenAiRoutes } from './routes.ts'

const mb = 1_048_576
/** As at OpenAI. */
const mostBytes = { batch: 200 * mb, others: 512 * mb }
const batchFileMs = 30 * 86_400_000

export function fileRoutes(engine: Engine, stopping: AbortSignal): OpenAiRoutes {
  const { files, fileBytes, fileBatches } = engine

  return {
    async 'post /files'(req) {
      const { file } = await readFileForm(req, { name: 'file', onFile: storeFile })
      if (file === undefined) throw missingParameter('file')
      return fileObject(file)
    },

    async 'get /files'(req) {
      const { purpose } = req.query
      const page = parsePage(req.query, { prefix: 'file-', most: 10_000, usual: 10_000 })
      const query = {
        ...page,
        order: parseOrder(req.query['order']),
        purpose: typeof purpose === 'string' ? purpose : undefined,
      }
      const { data, hasMore } = await files.list(query)
      return {
        object: 'list',
        data: data.map(fileObject),
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: hasMore,
      }
    },

    async 'get /files/:id'(req) {
      return fileObject(await requireFile(idOf(req)))
    },

    async 'get /files/:id/content'(req, res) {
      const file = await requireFile(idOf(req))
      await sendContent(res, file)
      return 'written'
    },

    async 'delete /files/:id'(req) {
      const id = idOf(req)
      if (!(await files.delete(id))) throw noSuchFile(id)
      return { id, object: 'file', deleted: true }
    },
  }

  /** `purpose` may come after the file: what depends on it is checked when the form is there. */
  function storeFile(filename: string, chunks: AsyncIterable<Buffer>, form: Promise<ReadonlyMap<string, string>>) {
    const firstLine = createFirstLine()
    return files.create(bounded(chunks, firstLine), async () => {
      const fields = await form
      const given = fields.get('purpose')
      if (given === undefined) throw missingParameter('purpose')
      const purpose = parsePurpose(given)
      if (purpose === 'batch') requireJsonl(filename, firstLine)
      const expiresS = parseFormExpiry(fields)
      return { filename, purpose, expiresAt: fileExpiry(purpose, expiresS, Date.now()) }
    })
  }

  async function requireFile(id: string): Promise<FileRecord> {
    const file = await files.get(id)
    if (file === null || hasExpired(file)) throw noSuchFile(id)
    return file
  }

  async function sendContent(res: Response, file: FileRecord): Promise<void> {
    const signal = leaving(res, stopping)
    const chunks = file.output === null ? fileBytes.read(file.id, file.bytes) : fileBatches.readOutput(file, { signal })
    res.type('application/octet-stream').attachment(file.filename).set('content-length', String(file.bytes))
    try {
      await streamBytes(res, chunks, signal)
    } catch (error) {
      throw error instanceof FileGoneError && !res.headersSent ? noSuchFile(file.id) : error
    }
  }
}

/** When a new file ends, in unix ms: batch files after 30 days, others never, if nothing else is asked for. */
export function fileExpiry(purpose: FilePurpose, expiresS: number | null, nowMs: number): number | null {
  if (expiresS !== null) return nowMs + expiresS * 1_000
  return purpose === 'batch' ? nowMs + batchFileMs : null
}

/** What is wrong with the name of a batch file, or with its first line. Its other lines are checked when a batch reads them. */
function requireJsonl(filename: string, firstLine: FirstLine): void {
  if (!filename.toLowerCase().endsWith('.jsonl'))
    throw new OpenAiError(400, 'Invalid file format for Batch API. Must be .jsonl')
  if (firstLine.bytes > mostBytes.batch) throw tooLarge(mostBytes.batch)
  const problem = firstLine.problem()
  if (problem !== null) throw new OpenAiError(400, `Invalid file format for Batch API. Must be .jsonl: ${problem}`)
}

async function* bounded(chunks: AsyncIterable<Buffer>, firstLine: FirstLine): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    firstLine.add(chunk)
    if (firstLine.bytes > mostBytes.others) throw tooLarge(mostBytes.others)
    yield chunk
  }
}

function tooLarge(most: number): OpenAiError {
  return new OpenAiError(
    413,
    `The file is larger than ${most / mb} MB, the most that a file of this purpose may have.`,
    {
      code: 'file_too_large',
      param: 'file',
    },
  )
}
