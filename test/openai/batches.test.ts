import { expect, test, beforeAll } from 'vitest'
import { chatLines, ended, openAi, readLines, startBatch, untilStatus, uploadBatch } from '../support/openai.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file', simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
})

test("OpenAI's client runs a batch from its file to its output", async () => {
  const client = openAi(system)
  const file = await uploadBatch(client, chatLines(20))
  expect(file).toMatchObject({ object: 'file', purpose: 'batch', filename: 'batch.jsonl' })
  expect(file.expires_at).toBe(file.created_at + 30 * 86_400)
  expect((await client.files.waitForProcessing(file.id)).status).toBe('processed')
  const fresh = await client.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { customer: 'a' },
  })
  expect(fresh).toMatchObject({
    object: 'batch',
    status: 'validating',
    endpoint: '/v1/chat/completions',
    input_file_id: file.id,
    completion_window: '24h',
    errors: null,
    output_file_id: null,
    error_file_id: null,
    in_progress_at: null,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    metadata: { customer: 'a' },
  })
  expect(fresh.expires_at).toBe(fresh.created_at + 86_400)
  const batch = await ended(client, fresh.id)
  expect(batch).toMatchObject({
    status: 'completed',
    model: 'simulator',
    error_file_id: null,
    request_counts: { total: 20, completed: 20, failed: 0 },
  })
  expect(batch.usage?.total_tokens).toBe(batch.usage!.input_tokens + batch.usage!.output_tokens)
  expect(batch.usage?.output_tokens).toBeGreaterThan(0)
  const lines = await readLines(client, batch.output_file_id)
  expect(lines.map(({ custom_id: id }) => id as string).toSorted()).toEqual(
    chatLines(20)
      .map(({ custom_id: id }) => id as string)
      .toSorted(),
  )
  for (const line of lines) {
    expect(line.id).toMatch(/^batch_req_/)
    expect(line.error).toBeNull()
    expect(line.response.status_code).toBe(200)
    expect(line.response.request_id).toEqual(expect.any(String))
    expect(line.response.body).toMatchObject({ object: 'chat.completion', model: 'simulator' })
  }
  const output = await client.files.retrieve(batch.output_file_id!)
  expect(output).toMatchObject({ purpose: 'batch_output', status: 'processed', filename: `${batch.id}_output.jsonl` })
  const text = await (await client.files.content(output.id)).text()
  expect(Buffer.byteLength(text)).toBe(output.bytes)
})

test('a batch can be cancelled: what was done is in the output, the rest in the error file, and nothing counts as failed', async () => {
  const client = openAi(system)
  await system.simulator.set('latency', { p50_ms: 300 })
  const { id } = await startBatch(client, chatLines(2_000))
  await untilStatus(client, id, ({ request_counts: counts }) => (counts?.completed ?? 0) > 50)
  expect((await client.batches.cancel(id)).status).toMatch(/^cancell(ing|ed)$/)
  const batch = await ended(client, id)
  expect(batch).toMatchObject({ status: 'cancelled', request_counts: { total: 2_000, failed: 0 } })
  expect(batch.cancelling_at).not.toBeNull()
  expect(batch.cancelled_at).not.toBeNull()
  const output = await readLines(client, batch.output_file_id)
  const rest = await readLines(client, batch.error_file_id)
  expect(output).toHaveLength(batch.request_counts!.completed)
  expect(output.length + rest.length).toBe(2_000)
  expect(rest[0]).toMatchObject({ response: null, error: { code: 'batch_cancelled' } })
  // Cancelling it again changes nothing.
  expect((await client.batches.cancel(id)).status).toBe('cancelled')
  await system.simulator.set('latency', { p50_ms: 5 })
})
