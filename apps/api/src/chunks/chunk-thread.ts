import { parentPort } from 'node:worker_threads'
import { type ChunkSize, chunkText } from './chunk-text.ts'

/** Runs in a thread of its own: see chunker.ts. */
parentPort?.on('message', ({ text, size }: { text: string; size: ChunkSize }) => {
  parentPort?.postMessage(chunkText(text, size))
})
