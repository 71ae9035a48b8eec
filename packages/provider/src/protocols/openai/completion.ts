import { z } from 'zod'

/** What of an answer is used, whatever a compatible server left out or wrote in another form. */
export interface Completion {
  /** Null: the answer has none that can be read; `problem` says why. */
  readonly choice: Choice | null
  readonly problem: string
}

export interface Choice {
  readonly content: string | null
  readonly refusal: string | null
  readonly finishReason: string
  /** What broke under way, where the provider tells it in the choice. */
  readonly error: unknown
}

/** Most tokens that are believed: whatever is told, its sums stay exact. */
const mostTokens = 1_000_000_000

/** Fractions, texts and negative numbers were seen; what is counted are whole numbers. */
const tokens = z.coerce
  .number()
  .transform((told) => Math.round(Math.min(Math.max(told, 0), mostTokens)))
  .catch(0)

const usage = z
  .object({
    prompt_tokens: tokens,
    completion_tokens: tokens,
    prompt_tokens_details: z.object({ cached_tokens: tokens }).catch({ cached_tokens: 0 }),
  })
  .catch({ prompt_tokens: 0, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 0 } })

const choice = z.object({
  finish_reason: z.string().catch(''),
  error: z.unknown().optional(),
  message: z.object({ content: z.unknown().optional().transform(textOf), refusal: z.string().nullable().catch(null) }),
})

const completion = z.object({ choices: z.array(z.unknown()) })
const withUsage = z.object({ usage })

/** Null: the body is no chat completion. */
export function readCompletion(body: unknown): Completion | null {
  const read = completion.safeParse(body)
  if (!read.success) return null
  const { choices } = read.data
  const first = choice.safeParse(choices[0])
  return {
    choice: first.success
      ? { ...first.data.message, finishReason: first.data.finish_reason, error: first.data.error }
      : null,
    problem: choices.length === 0 ? 'the answer has no choices' : 'the answer has no message',
  }
}

export interface TokensTold {
  readonly input: number
  /** Part of `input`. */
  readonly cachedInput: number
  readonly output: number
}

/** Whole numbers from zero, whatever was told; zero where nothing was. */
export function readUsage(body: unknown): TokensTold {
  const told = withUsage.safeParse(body).data?.usage
  const input = told?.prompt_tokens ?? 0
  const cachedInput = Math.min(input, told?.prompt_tokens_details.cached_tokens ?? 0)
  return { input, cachedInput, output: told?.completion_tokens ?? 0 }
}

/** A text, its parts, or the object itself where a server has parsed it already. */
function textOf(content: unknown): string | null {
  if (content === undefined || content === null) return null
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map(textOfPart).join('') : JSON.stringify(content)
}

function textOfPart(part: unknown): string {
  if (typeof part === 'string') return part
  const text: unknown = (part as { text?: unknown } | null)?.text
  return typeof text === 'string' ? text : ''
}
