import type { ChatRequest, JsonSchema, Message } from './request.ts'

const charactersPerToken = 4
const tokensPerMessage = 4
/** Phrases with which programs show the errors of an answer to the model. */
const reask = /not valid|invalid|validation error|errors? (was |were )?found|correct(ed)? (the|json|answer)|try again/i

/** The text to extract from: the last user message that does not report errors of an earlier answer. */
export function textOf(messages: readonly Message[]): string {
  let text: string | undefined
  for (let i = messages.length - 1; i >= 0; i -= 1) {
    const { role, content } = messages[i]!
    if (role !== 'user') continue
    text ??= content
    if (messages[i - 1]?.role !== 'assistant' || !reask.test(content.slice(0, 300))) return content
  }
  return text ?? messages.at(-1)?.content ?? ''
}

/** About four characters a token: cheap, and within a quarter for English. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / charactersPerToken)
}

/** The first part of a text that has so many tokens. */
export function firstTokens(text: string, tokens: number): string {
  return text.slice(0, tokens * charactersPerToken)
}

export function promptTokens({ messages, format }: ChatRequest, schemaCharacters: number): number {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0)
  return estimateTokens(characters + (format === null ? 0 : schemaCharacters)) + messages.length * tokensPerMessage
}

/** The JSON Schema in a message other than the text itself: servers without strict mode get it there. */
export function createSchemaFinder(): (messages: readonly Message[]) => JsonSchema | null {
  const found = new Map<string, JsonSchema | null>()
  return (messages) => {
    for (const { role, content } of messages) {
      if (role === 'assistant' || !content.includes('"properties"')) continue
      let schema = found.get(content)
      if (schema === undefined) {
        schema = schemaIn(content)
        // Instructions are repeated in each call, texts are not.
        if (role !== 'user') {
          if (found.size >= 200) found.clear()
          found.set(content, schema)
        }
      }
      if (schema !== null) return schema
    }
    return null
  }
}

function schemaIn(text: string): JsonSchema | null {
  for (let start = text.indexOf('{'); start >= 0; start = text.indexOf('{', start + 1)) {
    const end = endOfObject(text, start)
    if (end < 0) return null
    try {
      const value = JSON.parse(text.slice(start, end)) as JsonSchema
      if (typeof value['properties'] === 'object') return value
      if (typeof value['schema'] === 'object' && value['schema'] !== null) return value['schema'] as JsonSchema
    } catch {
      // Braces of prose; the schema may come later.
    }
  }
  return null
}

function endOfObject(text: string, start: number): number {
  let depth = 0
  let inString = false
  for (let at = start; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (inString) {
      if (character === 92) at += 1
      else if (character === 34) inString = false
    } else if (character === 34) inString = true
    else if (character === 123) depth += 1
    else if (character === 125) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}
