import { splitText, type TextPart } from './split-text.ts'
import { countTokens } from './count-tokens.ts'

/** How a text is to be split: by the number of its parts or by their size. */
export type ChunkSize =
  | { readonly type: 'count'; readonly chunks: number }
  | { readonly type: 'tokens'; readonly mostTokens: number }

/** Parts end with a sentence or paragraph, so that as many as were asked for have to be a little larger than their even share. */
const growth = 1.03

/** Without overlap: what two parts held would be told twice. */
export function chunkText(text: string, size: ChunkSize): TextPart[] {
  if (size.type === 'tokens') return split(text, size.mostTokens)
  let mostTokens = Math.max(1, Math.ceil(countTokens(text) / size.chunks))
  for (;;) {
    const parts = split(text, mostTokens)
    if (parts.length <= size.chunks) return parts
    mostTokens = Math.ceil(mostTokens * growth)
  }
}

function split(text: string, mostTokens: number): TextPart[] {
  return splitText(text, { mostTokens, overlapTokens: 0, countTokens })
}
