import type { RawRequest } from '@sluice/contract/extract-function'
import { parseJson } from '@sluice/contract/json-text'
import type { ProviderResponse } from '@sluice/contract/outcome'
import { classifyConnectionError } from '../../connection-error.ts'
import type { RawReply } from '../../protocol.ts'
import { classifyAnswer } from './classify.ts'
import type { OpenAiClient, RawAnswer } from './client.ts'
import { readUsage } from './completion.ts'
import { readLimits } from './limits.ts'
import { errorIn, readRefusal } from './refusal.ts'

const noTokens: RawReply['tokens'] = { input: 0, cachedInput: 0, output: 0 }
/** Of a body that is not JSON, such as the page of a proxy, in characters. */
const longestPage = 2_000
/** Of an answer with too many values to parse, such as one with many embeddings: usage is among its last fields. */
const tailLength = 4_000

type Send = (request: RawRequest, options: { readonly signal: AbortSignal }) => Promise<RawReply>

/** Sends users' own requests. A response is read only as far as the lane needs it: is it an error, and what did it cost. */
export function createPass(client: Pick<OpenAiClient, 'post'>): Send {
  return async ({ endpoint, body }, { signal }) => {
    let answer: RawAnswer
    try {
      answer = await client.post(endpoint, body, signal)
    } catch (error) {
      signal.throwIfAborted()
      return { result: classifyConnectionError(error), tokens: noTokens, limits: null, response: null }
    }
    const { status, headers } = answer
    const { value, isJson } = readBody(answer)
    const response = readResponse(answer, isJson)
    const isError = status >= 300 || !isJson || isErrorBody(value)
    const result = isError ? classifyAnswer(readRefusal(status, headers, value)) : ({ type: 'responded' } as const)
    const tokens = typeof value === 'string' ? readUsage(tailOf(value)) : readUsage(value)
    return { result, tokens, limits: readLimits(headers), response }
  }
}

/** Null for a success whose body is not JSON: cut off, or a page of a proxy. */
function readResponse({ status, headers, text }: RawAnswer, isJson: boolean): ProviderResponse | null {
  if (!isJson && status < 300) return null
  const requestId = headers.get('x-request-id') ?? headers.get('request-id') ?? ''
  return { status, requestId, body: isJson ? onOneLine(text) : JSON.stringify(errorOf(status, text)) }
}

/** `value`: the parsed body, or its text where it was not parsed. */
function readBody({ text, body }: RawAnswer): { value: unknown; isJson: boolean } {
  if (typeof body !== 'string') return { value: body, isJson: true }
  const parsed = parseJson(text)
  if (parsed.ok) return { value: parsed.value, isJson: true }
  if (parsed.problem !== 'too_many_values') return { value: text, isJson: false }
  // A hundred embeddings are numbers in lists, which take little memory; without parsing it whole, a cut text would pass for JSON.
  return { value: text, isJson: isNumbersMostly(text) && isValidJson(text) }
}

/** At most one list or object for each thousand characters: other JSON takes many times its length in memory. */
function isNumbersMostly(text: string): boolean {
  let brackets = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b) brackets += 1
  }
  return brackets * 1_000 < text.length
}

function isValidJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function tailOf(text: string): unknown {
  const tail = text.slice(-tailLength)
  const start = tail.lastIndexOf('"usage"')
  const end = tail.indexOf('}', start)
  if (start < 0 || end < 0) return null
  const parsed = parseJson(`{${tail.slice(start, end)}}}`)
  return parsed.ok ? parsed.value : null
}

/** Some servers report an error with status 200. A response object of OpenAI has a field `error`, too, and an id. */
function isErrorBody(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'string'
  return errorIn(value) !== undefined && !('id' in value)
}

function errorOf(status: number, text: string) {
  const message = text.trim() === '' ? `The provider answered ${status} without a body.` : text.slice(0, longestPage)
  return { error: { message, type: 'server_error', param: null, code: null } }
}

/** A line break cannot be inside a string of JSON: only between its values. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\r\n]+\s*/g, '').trim()
}
