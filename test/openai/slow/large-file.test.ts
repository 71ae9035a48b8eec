import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, openAsBlob } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running } from '@sluice/local/processes/app-process'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { ended, openAi, untilStatus } from '../../support/openai.ts'
import { startSystem } from '../../support/system.ts'

/** OpenAI accepts 50,000 requests and 200 MB. `.ci/run` takes a quarter, because a whole one takes 5 minutes on 2 cores. */
const requests = Number(process.env['OPENAI_REQUESTS'] ?? 50_000)
const part = requests / 50_000
const fileBytes = Math.round(part * 200 * 1_048_576)

test(
  'a batch of as many requests as OpenAI accepts in a file survives kills of every process, pays for nothing twice, and takes bounded memory',
  { timeout: 900_000 },
  async () => {
    const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '20' } })
    const path = await largeFile()
    const client = openAi(system)
    const memory = watchMemory([system.api])

    const file = await client.files.create({
      file: new File([await openAsBlob(path)], 'large.jsonl'),
      purpose: 'batch',
    })
    expect(file.bytes).toBeGreaterThan(0.97 * fileBytes)
    const uploadMb = memory.peakMb()
    const { id } = await client.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    })

    // The first worker dies while it reads the file, others in the middle of their calls.
    let worker = await system.worker()
    memory.add(worker)
    await sleep(1_500 * part)
    await worker.stop('SIGKILL')
    expect((await client.batches.retrieve(id)).status).toBe('validating')
    worker = await system.worker()
    memory.add(worker)
    let api = client
    for (const [done, dies] of [
      [0.1, 'worker'],
      [0.3, 'api'],
      [0.5, 'worker'],
      [0.7, 'worker'],
    ] as const) {
      await untilStatus(api, id, ({ request_counts: counts }) => (counts?.completed ?? 0) >= done * requests, 600_000)
      if (dies === 'api') {
        await system.api.stop('SIGKILL')
        api = openAi({ url: await system.anotherApi() })
        continue
      }
      await worker.stop('SIGKILL')
      worker = await system.worker()
      memory.add(worker)
    }
    const batch = await ended(api, id, 600_000)
    expect(batch).toMatchObject({
      status: 'completed',
      error_file_id: null,
      request_counts: { total: requests, completed: requests, failed: 0 },
    })

    const seen = await readIds(api, batch.output_file_id!)
    expect(seen.lines).toBe(requests)
    expect(seen.ids.size).toBe(requests)
    expect(seen.bytes).toBe((await api.files.retrieve(batch.output_file_id!)).bytes)
    // Only calls that were cut off by a kill may have been paid twice: at most as many as were in flight.
    const stats = await system.simulator.stats()
    expect(stats.paid - requests).toBeLessThanOrEqual(4 * 100)
    console.log(`upload ${uploadMb} MB at most in the API; processes at most ${memory.peakMb()} MB`)
    // The same bounds for a quarter of the file: decision 0063 has what was measured.
    expect(uploadMb).toBeLessThan(350)
    expect(memory.peakMb()).toBeLessThan(450)
  },
)

/** A file of `requests` requests and `fileBytes` bytes. */
async function largeFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-large-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'large.jsonl')
  const stream = createWriteStream(path)
  const each = Math.floor(fileBytes / requests) - 200
  for (let i = 0; i < requests; i += 1) {
    const words = createHash('sha512')
      .update(String(i))
      .digest('base64')
      .match(/.{1,8}/g)!
    const text = `Number ${i}. ${words.join(' ')} `
    const content = text.repeat(Math.ceil(each / text.length)).slice(0, each)
    const body = { model: 'simulator', messages: [{ role: 'user', content }], max_tokens: 30 }
    const line = JSON.stringify({ custom_id: `request-${i}`, method: 'POST', url: '/v1/chat/completions', body })
    if (!stream.write(`${line}\n`)) await once(stream, 'drain')
  }
  stream.end()
  await finished(stream)
  return path
}

/** The resident memory of processes, as Linux shows it, at its highest. */
function watchMemory(first: readonly Running[]): { add(one: Running): void; peakMb(): number } {
  const pids = new Set(first.map(({ child }) => child.pid))
  let peak = 0
  const look = async () => {
    for (const pid of pids) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      peak = Math.max(peak, Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024)
    }
  }
  const timer = setInterval(() => void look(), 100)
  onTestFinished(() => clearInterval(timer))
  return { add: ({ child }) => void pids.add(child.pid), peakMb: () => Math.round(peak) }
}

async function readIds(client: OpenAI, fileId: string) {
  const { body } = await client.files.content(fileId)
  const ids = new Set<string>()
  let [lines, bytes] = [0, 0]
  for await (const line of createInterface({
    input: Readable.fromWeb(body as never),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    lines += 1
    bytes += Buffer.byteLength(line) + 1
    ids.add((JSON.parse(line) as { custom_id: string }).custom_id)
  }
  return { ids, lines, bytes }
}
