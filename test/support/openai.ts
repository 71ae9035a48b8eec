import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { toFile } from 'openai'
import type { Batch } from 'openai/resources'
import type { System } from './system.ts'

/** The official client, with nothing but its address changed. */
export function openAi({ url }: Pick<System, 'url'>): OpenAI {
  return new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'any', maxRetries: 0 })
}

export interface Line {
  readonly custom_id?: unknown
  readonly method?: unknown
  readonly url?: unknown
  readonly body?: unknown
}

export function chatLines(count: number, model = 'simulator'): Line[] {
  return Array.from({ length: count }, (_, i) => ({
    custom_id: `request-${i}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content: `Say something about number ${i}.` }], max_tokens: 50 },
  }))
}

export const toJsonl = (lines: readonly (Line | string)[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')

export async function uploadBatch(client: OpenAI, lines: readonly (Line | string)[], name = 'batch.jsonl') {
  return client.files.create({ file: await toFile(Buffer.from(toJsonl(lines)), name), purpose: 'batch' })
}

export async function startBatch(
  client: OpenAI,
  lines: readonly (Line | string)[],
  more: Partial<OpenAI.BatchCreateParams> = {},
): Promise<Batch> {
  const { id } = await uploadBatch(client, lines)
  const params = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
  return client.batches.create({ ...params, ...more })
}

/** Resolves when the batch has this status; rejects when it has ended in another one, or after a time that is for a test that hangs. */
export async function untilStatus(
  client: OpenAI,
  id: string,
  wanted: (batch: Batch) => boolean,
  limitMs = 120_000,
): Promise<Batch> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const batch = await client.batches.retrieve(id)
    if (wanted(batch)) return batch
    const ended = ['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)
    if (ended || Date.now() > deadline) throw new Error(`Not what was waited for: ${JSON.stringify(batch)}`)
    await sleep(50)
  }
}

export const ended = (client: OpenAI, id: string, limitMs?: number) =>
  untilStatus(client, id, ({ status }) => ['completed', 'failed', 'expired', 'cancelled'].includes(status), limitMs)

export async function readLines(client: OpenAI, fileId: string | null | undefined): Promise<any[]> {
  if (!fileId) return []
  const text = await (await client.files.content(fileId)).text()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}
