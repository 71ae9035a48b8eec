import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources'
import { schema } from '../overhead/chat-body.ts'

/** What all systems ask for, so that a call costs the same whoever makes it. */
export const extractor = { schema, instructions: 'Who wrote this?' }

export function createRequest(text: string): ChatCompletionCreateParamsNonStreaming {
  return {
    model: 'simulator',
    messages: [
      { role: 'system', content: extractor.instructions },
      { role: 'user', content: text },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
  }
}

export function isValid(content: string | null | undefined): boolean {
  const { name, age } = JSON.parse(content ?? '') as { name?: unknown; age?: unknown }
  return typeof name === 'string' && Number.isInteger(age)
}
