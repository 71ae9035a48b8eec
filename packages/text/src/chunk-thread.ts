import { type ChunkSize, chunkText } from './chunk-text.ts'

/** Runs on a thread of its own: see chunker.ts. */
export default function chunk({ text, size }: { text: string; size: ChunkSize }) {
  return chunkText(text, size)
}
