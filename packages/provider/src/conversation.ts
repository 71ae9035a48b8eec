import type { ExtractRequest } from '@sluice/contract/extract-function'

interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** Characters of an earlier answer that are repeated: the answer of a model that did not stop would fill the context. */
const longestRaw = 20_000

/**
 * The conversation: instructions, the text, then each answer that was not valid with its errors, as instructor does.
 * `schemaText` is given if the server does not enforce the schema.
 */
export function createConversation(
  { extractor, text, reasks, part }: ExtractRequest,
  schemaText: string | null,
): Message[] {
  const instructions =
    extractor.instructions === '' ? 'Extract what the schema asks for from the text.' : extractor.instructions
  const task =
    part === undefined
      ? instructions
      : `${instructions}\n\nThe text is part ${part.index + 1} of ${part.count} of a longer one: answer with what this part says, and leave empty what it does not.`
  const system =
    schemaText === null
      ? task
      : `${task}\n\nAnswer with one JSON value that is valid against this JSON Schema, and nothing else:\n${schemaText}`
  return [
    { role: 'system', content: system },
    { role: 'user', content: text },
    ...reasks.flatMap(({ raw, errors }): Message[] => [
      { role: 'assistant', content: raw.length > longestRaw ? `${raw.slice(0, longestRaw)}…` : raw },
      {
        role: 'user',
        content: `Your answer is not valid. Errors found:\n${errors.join('\n')}\n\nAnswer again with the whole corrected JSON.`,
      },
    ]),
  ]
}
