import { countTokens } from './count-tokens.ts'
import { splitText, type TextPart } from './split-text.ts'

/** How to split a text: by the size of its parts, or by their number. Tokens are counted by `countTokens`. */
export type PartSize =
  | {
      readonly type: 'tokens'
      readonly mostTokens: number
      /** How much of the end of a part the next one repeats; none when it is missing. */
      readonly overlapTokens?: number
    }
  | { readonly type: 'count'; readonly parts: number }

/** Parts end with a sentence or paragraph, so that the requested number of parts needs a limit a little above the even share. */
const growth = 1.03

/** By number there is no overlap, and there may be fewer parts than asked for, never more. */
export function splitBySize(text: string, size: PartSize): TextPart[] {
  if (size.type === 'tokens') {
    return splitText(text, { mostTokens: size.mostTokens, overlapTokens: size.overlapTokens ?? 0, countTokens })
  }
  let mostTokens = Math.max(1, Math.ceil(countTokens(text) / size.parts))
  for (;;) {
    const parts = splitText(text, { mostTokens, overlapTokens: 0, countTokens })
    if (parts.length <= size.parts) return parts
    mostTokens = Math.ceil(mostTokens * growth)
  }
}

/** Entry point of the splitter's thread. The texts of the parts stay out: the caller has the whole text. */
export default function splitOnThread({ text, size }: { text: string; size: PartSize }): Omit<TextPart, 'text'>[] {
  return splitBySize(text, size).map(({ start, end, tokens }) => ({ start, end, tokens }))
}
