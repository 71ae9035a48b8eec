import { z } from 'zod'
import type { Reply } from '../../protocol.ts'

/** The parts of a completion that are used, whatever a compatible server omits or formats differently. */
export interface Completion {
  /** Null: there is no readable choice; `problem` says why. */
  readonly choice: Choice | null
  readonly problem: string
}

export interface Choice {
  readonly content: string | null
  readonly refusal: string | null
  readonly finishReason: string
  /** The error that interrupted the answer, where the provider puts it into the choice. */
  readonly error: unknown
}

/** Larger counts are cut to this, so that sums stay exact whatever the provider sends. */
const mostTokens = 1_000_000_000

/** Servers were seen to send fractions, strings and negative numbers. */
const tokens = z.coerce
  .number()
  .transform((count) => Math.round(Math.min(Math.max(count, 0), mostTokens)))
  .catch(0)

const cached = z.object({ cached_tokens: tokens }).catch({ cached_tokens: 0 })

const usage = z
  .object({
    prompt_tokens: tokens,
    completion_tokens: tokens,
    prompt_tokens_details: cached,
    // The names of OpenAI's Responses.
    input_tokens: tokens,
    output_tokens: tokens,
    input_tokens_details: cached,
  })
  .optional()
  .catch(undefined)

const choice = z.object({
  finish_reason: z.string().catch(''),
  error: z.unknown().optional(),
  message: z.object({ content: z.unknown().optional().transform(textOf), refusal: z.string().nullable().catch(null) }),
})

const completion = z.object({ choices: z.array(z.unknown()) })
const withUsage = z.object({ usage })

/** Null: the body is not a chat completion. */
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

/** Whole numbers from zero, whatever the server sent; zero where it sent nothing. */
export function readUsage(body: unknown): Reply['tokens'] {
  const counts = withUsage.safeParse(body).data?.usage
  if (counts === undefined) return { input: 0, cachedInput: 0, output: 0 }
  const input = counts.prompt_tokens || counts.input_tokens
  const cachedTokens = counts.prompt_tokens_details.cached_tokens || counts.input_tokens_details.cached_tokens
  return { input, cachedInput: Math.min(input, cachedTokens), output: counts.completion_tokens || counts.output_tokens }
}

/** A text, its parts, or the object itself: some servers parse it already. */
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
