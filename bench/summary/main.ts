import { parseArgs } from 'node:util'
import { createDocumentReader } from '@sluice/documents/document-reader'
import { splitText } from '@sluice/text/split-text'
import type { Summary } from '@sluice/contract/summary'
import { countTokens } from '@sluice/text/count-tokens'
import { OpenAI } from 'openai'
import { makePdf } from '../../packages/documents/test/pdfs.ts'
import { longPages } from '../long-text.ts'
import { median } from '../median.ts'
import { startSystem } from '../start-system.ts'

/**
 * A map-reduce summary: a PDF of 36 pages in 6 chunks. One call after the other and all chunks at once, in memory and lost with
 * their process, against POST /v1/summaries; in turns, on the same simulator.
 */
const { values } = parseArgs({
  options: {
    pages: { type: 'string', default: '36' },
    chunks: { type: 'string', default: '6' },
    'latency-ms': { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '3' },
  },
})
const chunks = Number(values.chunks)
const rounds = Number(values.rounds)
const pdf = await makePdf(longPages(Number(values.pages)))

await using system = await startSystem({ latencyMs: values['latency-ms'] })
const { url, provider } = system
await using reader = createDocumentReader(
  { bytes: 50_000_000, pages: 1_000, characters: 4_000_000, timeMs: 60_000, memoryMb: 512 },
  { processes: 1 },
)
const client = new OpenAI({ baseURL: provider.OPENAI_BASE_URL, apiKey: provider.OPENAI_API_KEY })

async function summarizeText(content: string): Promise<string> {
  const completion = await client.chat.completions.create({
    model: 'simulator',
    temperature: 0,
    messages: [
      { role: 'system', content: 'Write a concise summary of the following.' },
      { role: 'user', content },
    ],
  })
  return completion.choices[0]?.message.content ?? ''
}

async function split(): Promise<string[]> {
  const read = await reader.read({ kind: 'pdf', bytes: pdf.slice() })
  if (read.type !== 'text') throw new Error(read.message)
  const { text } = read
  const mostTokens = Math.ceil((1.1 * countTokens(text)) / chunks)
  return splitText(text, { mostTokens, overlapTokens: 0, countTokens }).map((part) => part.text)
}

const ways: Record<string, () => Promise<void>> = {
  async 'one call after the other, in memory'() {
    const summaries: string[] = []
    for (const part of await split()) summaries.push(await summarizeText(part))
    await summarizeText(summaries.join('\n\n'))
  },
  async 'all chunks at once, in memory'() {
    const summaries = await Promise.all((await split()).map((part) => summarizeText(part)))
    await summarizeText(summaries.join('\n\n'))
  },
  async 'POST /v1/summaries, durable'() {
    const form = new FormData()
    form.append('summary', JSON.stringify({ chunks }))
    form.append('document', new Blob([pdf]), 'report.pdf')
    const response = await fetch(`${url}/v1/summaries`, { method: 'POST', body: form })
    if (response.status !== 202) throw new Error(await response.text())
    const { id } = (await response.json()) as Summary
    const done = (await (await fetch(`${url}/v1/summaries/${id}?wait_s=600`)).json()) as Summary
    if (done.status !== 'completed') throw new Error(JSON.stringify(done))
    if (done.chunks.length > chunks) throw new Error(`${done.chunks.length} chunks instead of ${chunks}.`)
  },
}

const seconds = new Map<string, number[]>(Object.keys(ways).map((way) => [way, []]))
// The first round of each is a warm-up: compiled code, connections, the tokenizer.
for (let round = 0; round <= rounds; round += 1) {
  for (const [way, summarize] of Object.entries(ways)) {
    const began = performance.now()
    await summarize()
    const took = (performance.now() - began) / 1_000
    if (round > 0) seconds.get(way)!.push(took)
    console.error(`${round === 0 ? 'warm-up' : `round ${round}`}, ${way}: ${took.toFixed(2)} s`)
  }
}
console.log(
  `A PDF of ${values.pages} pages in ${chunks} chunks, ${values['latency-ms']} ms per call, median of ${rounds} rounds`,
)
const rows = [...seconds].map(([way, all]) => ({ way, seconds: Number(median(all).toFixed(2)) }))
console.table(rows)
const [sequential, gathered, durable] = rows.map((row) => row.seconds) as [number, number, number]
console.log(
  `Sluice: ${(sequential / durable).toFixed(2)} times as fast as one call after the other, ${(durable / gathered).toFixed(3)} of the time of all at once in memory.`,
)
