import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { sluice } from './connect.ts'

// Splits a text into chunks, summarizes each with a limit on concurrent calls, then summarizes the summaries: node examples/summarize.ts report.pdf
const [path = 'README.md'] = process.argv.slice(2)
const document = new File([await readFile(path)], basename(path))
const { summary, chunks } = await sluice.summarize(document, { chunks: 6, concurrency: 3 })
for (const chunk of chunks) console.log(`${chunk.index}: ${chunk.summary}`)
console.log(summary)
