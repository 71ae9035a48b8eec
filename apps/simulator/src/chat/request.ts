import { type ApiError, invalidRequest } from '../errors.ts'
import { whyNotStrict } from '../strict-rules.ts'

export interface Message {
  readonly role: string
  readonly content: string
}

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly Message[]
  /** Null for `text`. */
  readonly format:
    | { readonly type: 'json_object' }
    | { readonly type: 'json_schema'; readonly schema: JsonSchema }
    | null
  readonly maxTokens: number | null
}

export type JsonSchema = Readonly<Record<string, unknown>>

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool'])
const longestName = 64
/** Of texts of schemas that were looked at; a batch sends the same one with each call. */
const mostRemembered = 500

/** Reads bodies of chat requests, as strictly as OpenAI's documentation says. */
export function createRequestReader(): (body: unknown) => ChatRequest | { readonly error: ApiError } {
  const verdicts = new Map<string, string | null>()

  return (body) => {
    if (!isObject(body)) return fail('We could not parse the JSON body of your request: an object was expected.', null)
    const { model, stream, n, tools } = body
    if (typeof model !== 'string' || model === '') return fail('you must provide a model parameter', null)
    if (stream === true) return fail('The simulator does not stream: leave `stream` out or set it to false.', 'stream')
    if (n !== undefined && n !== null && n !== 1) return fail('The simulator gives one choice: leave `n` out.', 'n')
    if (tools !== undefined) return fail('The simulator calls no tools: use `response_format`.', 'tools')
    const messages = readMessages(body['messages'])
    if ('error' in messages) return messages
    const format = readFormat(body['response_format'])
    if (format !== null && 'error' in format) return format
    const temperature = body['temperature']
    if (typeof temperature === 'number' && (temperature < 0 || temperature > 2)) {
      return fail(`Invalid 'temperature': expected a value from 0 to 2, but got ${temperature} instead.`, 'temperature')
    }
    for (const param of ['max_completion_tokens', 'max_tokens']) {
      const most = body[param]
      if (most !== undefined && most !== null && !(Number.isInteger(most) && (most as number) > 0)) {
        return fail(`Invalid '${param}': integer above 0 expected, but got ${JSON.stringify(most)} instead.`, param)
      }
    }
    const maxTokens = (body['max_completion_tokens'] ?? body['max_tokens'] ?? null) as number | null
    return { model, messages: messages.list, format, maxTokens }
  }

  function readFormat(format: unknown): ChatRequest['format'] | { error: ApiError } {
    if (format === undefined || format === null) return null
    const type = isObject(format) ? format['type'] : undefined
    if (type === 'text') return null
    if (type === 'json_object') return { type: 'json_object' }
    if (!isObject(format) || type !== 'json_schema') {
      const got = type === undefined ? 'nothing' : JSON.stringify(type)
      return fail(
        `Invalid value: ${got}. Supported values are: 'json_object', 'json_schema', and 'text'.`,
        'response_format.type',
      )
    }
    const wanted = format['json_schema']
    if (!isObject(wanted)) {
      return fail("Missing required parameter: 'response_format.json_schema'.", 'response_format.json_schema')
    }
    const { name, schema, strict } = wanted
    if (typeof name !== 'string' || !/^[A-Za-z0-9_-]+$/.test(name) || name.length > longestName) {
      return fail(
        `Invalid 'response_format.json_schema.name': 1 to ${longestName} letters, digits, '_' or '-' expected.`,
        'response_format.json_schema.name',
      )
    }
    if (!isObject(schema)) {
      return fail(
        "Missing required parameter: 'response_format.json_schema.schema'.",
        'response_format.json_schema.schema',
      )
    }
    const why = strict === true ? verdict(schema) : null
    if (why !== null) {
      const context = why.startsWith('context=') ? `In ${why}` : `In context=(), ${why}`
      return fail(`Invalid schema for response_format '${name}': ${context}`, 'response_format')
    }
    return { type: 'json_schema', schema }
  }

  function verdict(schema: JsonSchema): string | null {
    const text = JSON.stringify(schema)
    let why = verdicts.get(text)
    if (why === undefined) {
      why = whyNotStrict(schema)
      if (verdicts.size >= mostRemembered) verdicts.clear()
      verdicts.set(text, why)
    }
    return why
  }
}

function readMessages(messages: unknown): { list: Message[] } | { error: ApiError } {
  if (!Array.isArray(messages)) return fail("Missing required parameter: 'messages'.", 'messages')
  if (messages.length === 0) return fail("Invalid 'messages': empty array. Expected at least one message.", 'messages')
  const list: Message[] = []
  for (const [i, message] of messages.entries()) {
    if (!isObject(message) || !roles.has(message['role'] as string)) {
      return fail(
        `Invalid value for 'messages[${i}].role'. Supported: ${[...roles].join(', ')}.`,
        `messages[${i}].role`,
      )
    }
    const content = readContent(message['content'])
    if (content === undefined || (content === null && message['role'] !== 'assistant')) {
      return fail(
        `Invalid type for 'messages[${i}].content': a string or an array of text parts expected.`,
        `messages[${i}].content`,
      )
    }
    list.push({ role: message['role'] as string, content: content ?? '' })
  }
  return { list }
}

function readContent(content: unknown): string | null | undefined {
  if (typeof content === 'string') return content
  if (content === null || content === undefined) return null
  if (!Array.isArray(content)) return undefined
  const parts = content.map((part: unknown) =>
    isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'] : undefined,
  )
  return parts.includes(undefined) ? undefined : parts.join('\n')
}

function fail(message: string, param: string | null): { error: ApiError } {
  return { error: invalidRequest(message, param) }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
