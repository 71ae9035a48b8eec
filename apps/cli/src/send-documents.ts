import { openAsBlob } from 'node:fs'
import type { Sluice } from '@sluice/client'
import { batch, type Batch } from '@sluice/contract/batch'
import { estimate, type Estimate } from '@sluice/contract/estimate'
import type { DocumentFile } from './inputs/input.ts'
import type { Recipe } from './recipe.ts'

/** Limits of one request, which must be sent again if the connection breaks. It has at least one file. */
const most = { files: 200, bytes: 64 * 1_048_576 }

export interface DocumentSubmission {
  readonly files: readonly DocumentFile[]
  readonly recipe: Recipe
  readonly options: Readonly<Record<string, unknown>>
  readonly idempotencyKey: string
  readonly signal: AbortSignal
  /** Called with the number of files that have arrived. */
  readonly onSent: (count: number) => void
}

/** Sends files in several requests; each file is read from the disk when its turn comes. With the same key it resumes where it was interrupted. */
export async function submitDocuments(client: Sluice, given: DocumentSubmission): Promise<Batch> {
  const { files, recipe, options, idempotencyKey, signal, onSent } = given
  const post = async (path: string, body: string | FormData | null, headers: Record<string, string> = {}) => {
    const response = await client.request(path, { method: 'POST', body, headers, signal })
    return batch.parse(await response.json())
  }
  let made = await post('/v1/batches/uploads', JSON.stringify({ extractor: recipe.extractor, ...options }), {
    'content-type': 'application/json',
    'idempotency-key': idempotencyKey,
  })
  // With any other status, all files were sent before.
  while (made.status === 'uploading' && made.counts.total < files.length) {
    const from = made.counts.total
    onSent(from)
    made = await post(`/v1/batches/${made.id}/items?from=${from}`, await toForm(nextOf(files.slice(from))))
  }
  return made.status === 'uploading' ? post(`/v1/batches/${made.id}/seal`, null) : made
}

/** All files in one request: the server stores nothing. */
export async function estimateDocuments(
  client: Sluice,
  files: readonly DocumentFile[],
  { extractor }: Recipe,
  signal: AbortSignal,
): Promise<Estimate> {
  const form = await toForm(files, { batch: JSON.stringify({ extractor }) })
  const response = await client.request('/v1/batches/estimate', { method: 'POST', body: form, signal })
  return estimate.parse(await response.json())
}

function nextOf(files: readonly DocumentFile[]): readonly DocumentFile[] {
  let bytes = 0
  const end = files.findIndex(({ sizeBytes }, at) => {
    bytes += sizeBytes
    return at > 0 && (at >= most.files || bytes > most.bytes)
  })
  return end < 0 ? files : files.slice(0, end)
}

/** Fields come first, because the server reads the files while they arrive. */
async function toForm(
  files: readonly DocumentFile[],
  fields: Readonly<Record<string, string>> = {},
): Promise<FormData> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  for (const { path, id } of files) form.append('documents', await openAsBlob(path), id)
  return form
}
