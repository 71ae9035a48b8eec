import { texts } from '../texts.ts'

const charactersPerToken = 4
const fewest = 50
const most = 4_000

/** Texts of 50 to 4,000 tokens (as the simulator counts them), as many in each doubling as in the next, of about `tokens` in all. */
export function mixedTexts(tokens: number): string[] {
  const sentences = texts(1_000)
  const mixed: string[] = []
  let state = 1
  for (let left = tokens; left > 0;) {
    // Numerical Recipes' linear congruential generator, as for the texts themselves.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const size = Math.round(fewest * (most / fewest) ** (state / 2 ** 32))
    mixed.push(textOf(size * charactersPerToken, mixed.length, sentences))
    left -= size
  }
  return mixed
}

function textOf(characters: number, index: number, sentences: readonly string[]): string {
  // The number makes each text a different one.
  let text = `Number ${index}. `
  for (let at = index; text.length < characters; at += 1) text += `${sentences[at % sentences.length]!}\n`
  return text.slice(0, characters)
}
