import { z } from 'zod'
import { CliError } from './cli-error.ts'
import type { CliConfig } from './config.ts'

const fileObject = z.object({ id: z.string(), bytes: z.number() })
const batchObject = z.object({
  id: z.string(),
  status: z.string(),
  errors: z
    .object({ data: z.array(z.object({ code: z.string(), message: z.string(), line: z.number().nullable() })) })
    .nullable(),
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
})
export type OpenAiBatch = z.infer<typeof batchObject>

const errorBody = z.object({ error: z.object({ message: z.string() }) })

/** The part of the server's OpenAI API that `sluice openai-batch` needs. Throws a CliError with the server's message. */
export interface OpenAiApi {
  upload(file: File): Promise<z.infer<typeof fileObject>>
  createBatch(inputFileId: string, endpoint: string): Promise<OpenAiBatch>
  getBatch(id: string): Promise<OpenAiBatch>
  content(fileId: string): Promise<ReadableStream<Uint8Array>>
}

export function createOpenAiApi({ url, apiKey }: CliConfig, signal: AbortSignal): OpenAiApi {
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`${url}/openai/v1${path}`, {
      ...init,
      headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
      signal,
    }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw new CliError(
        `The connection to ${url} broke: ${((error as Error).cause as Error | undefined)?.message ?? String(error)}.`,
      )
    })
    if (response.ok) return response
    const body = errorBody.safeParse(await response.json().catch(() => null))
    throw new CliError(body.data?.error.message ?? `The server answered ${response.status}.`)
  }

  return {
    async upload(file) {
      const form = new FormData()
      form.set('purpose', 'batch')
      form.set('file', file)
      return fileObject.parse(await (await send('/files', { method: 'POST', body: form })).json())
    },
    async createBatch(inputFileId, endpoint) {
      const body = JSON.stringify({ input_file_id: inputFileId, endpoint, completion_window: '24h' })
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
      return batchObject.parse(await (await send('/batches', init)).json())
    },
    getBatch: async (id) => batchObject.parse(await (await send(`/batches/${encodeURIComponent(id)}`)).json()),
    async content(fileId) {
      const { body } = await send(`/files/${fileId}/content`)
      if (body === null) throw new CliError(`The file ${fileId} came without content.`)
      return body
    },
  }
}
