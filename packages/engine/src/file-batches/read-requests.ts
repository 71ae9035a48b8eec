import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Item } from '@sluice/contract/item'
import { maxTextLength } from '@sluice/contract/item'
import { findJsonMembers } from '@sluice/contract/json-members'
import { kindOf, parseJson } from '@sluice/contract/json-text'
import type { RequestEndpoint } from '@sluice/contract/request-task'
import type { LineError } from './file-batch-store.ts'
import { type FileLine, readLines } from './file-lines.ts'
import type { ModelPlace, Models } from './models.ts'

/** As at OpenAI. */
const mostRequests = 50_000
const mostInputs = 50_000
/** Errors that a batch shows: OpenAI reports all of them, but a list of batches must stay readable. */
const mostErrors = 1_000
const longestId = 512
/** A body, escaped, and what is around it; UTF-8 takes up to 3 bytes for a UTF-16 unit. */
const mostLineBytes = 3 * (maxTextLength + 65_536)
/** Lines between which other work of the process goes on: some 5 ms. */
const linesAtOnce = 200

/** `input`: the field without which there is nothing to do. Responses may take theirs from a stored prompt. */
const families: Readonly<Record<RequestEndpoint, { readonly name: string; readonly input: string | null }>> = {
  '/v1/chat/completions': { name: 'Chat Completions', input: 'messages' },
  '/v1/responses': { name: 'Responses', input: null },
  '/v1/embeddings': { name: 'Embeddings', input: 'input' },
  '/v1/completions': { name: 'Completions', input: 'prompt' },
  '/v1/moderations': { name: 'Moderations', input: 'input' },
}

export interface ReadRequests {
  /** The items of the file. None comes after the first error, but the file is read to its end. */
  readonly items: AsyncGenerator<Item>
  /** When `items` has ended: what is wrong, at most one error for each line. */
  readonly errors: LineError[]
  /** The place of all requests, and the model as they name it; null before the first valid line. */
  readonly place: () => (ModelPlace & { readonly named: string }) | null
  readonly count: () => number
}

export interface ReadRequestsOptions {
  readonly endpoint: RequestEndpoint
  readonly models: Models
}

type Checked =
  | { readonly ok: true; readonly item: Item }
  | { readonly ok: false; readonly error: Omit<LineError, 'line'> }

/** Reads the lines of an input file as OpenAI does: with its order of checks, codes and messages. */
export function readRequests(chunks: AsyncIterable<Buffer>, { endpoint, models }: ReadRequestsOptions): ReadRequests {
  const errors: LineError[] = []
  const ids = new Set<string>()
  let place: (ModelPlace & { named: string }) | null = null
  let count = 0
  let inputs = 0

  async function* items(): AsyncGenerator<Item> {
    let isValid = true
    const fail = (error: Omit<LineError, 'line'>, line: number | null) => {
      isValid = false
      if (errors.length < mostErrors) errors.push({ ...error, line })
    }
    for await (const line of readLines(chunks, mostLineBytes)) {
      count += 1
      if (count > mostRequests) {
        fail(tooMany('requests', mostRequests), null)
        return
      }
      const checked = check(line)
      if (!checked.ok) fail(checked.error, line.number)
      else if (isValid) yield checked.item
      if (inputs > mostInputs) {
        fail(tooMany('embedding inputs', mostInputs), null)
        return
      }
      if (count % linesAtOnce === 0) await setImmediate()
    }
    if (count === 0) fail({ code: 'empty_file', message: 'The input file has no requests.', param: null }, null)
  }

  function check({ text }: FileLine): Checked {
    if (text === null) return failed('invalid_request', 'The line is too long.', null)
    const parsed = parseJson(text)
    if (!parsed.ok && parsed.problem !== 'syntax') return failed('invalid_request', parsed.message, null)
    const value = parsed.ok ? parsed.value : undefined
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return failed('invalid_json_line', 'This line is not parseable as valid JSON.', null)
    const request = value as Record<string, unknown>
    const missing = ['custom_id', 'method', 'url', 'body'].find(
      (name) => request[name] === undefined || request[name] === null,
    )
    if (missing !== undefined)
      return failed('missing_required_parameter', `Missing required parameter: '${missing}'.`, missing)
    return checkEnvelope(request) ?? checkBody(request, text)
  }

  function checkEnvelope({ custom_id: id, method, url, body }: Record<string, unknown>): Checked | null {
    if (typeof id !== 'string') return wrongType('custom_id', 'a string', id)
    if (id === '' || id.length > longestId)
      return failed('invalid_value', `'custom_id' must be a text of 1 to ${longestId} characters.`, 'custom_id')
    if (method !== 'POST') return failed('invalid_method', "Invalid method: only 'POST' is supported.", 'method')
    if (url !== endpoint)
      return failed('invalid_url', 'The URL provided for this request does not match the batch endpoint.', 'url')
    if (typeof body !== 'object' || Array.isArray(body)) return wrongType('body', 'an object', body)
    const key = shortKey(id)
    if (!ids.has(key)) {
      ids.add(key)
      return null
    }
    const message = `The custom_id '${id}' for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.`
    return failed('duplicate_custom_id', message, 'custom_id')
  }

  function checkBody(request: Record<string, unknown>, text: string): Checked {
    const body = request['body'] as Record<string, unknown>
    const { name, input } = families[endpoint]
    const { model: named } = body
    if (typeof named !== 'string' || named === '')
      return failed('invalid_request', 'Model parameter is required.', 'body.model')
    if (body['stream'] === true)
      return failed('streaming_unsupported', `${name}: Streaming is not supported in the Batch API.`, 'body.stream')
    if (input !== null && (body[input] === undefined || body[input] === null))
      return failed('invalid_request', `${capitalised(input)} parameter is required.`, `body.${input}`)
    const found = models.find(named)
    if (found === null)
      return failed('model_not_found', `The provided model '${named}' is not supported by the Batch API.`, 'body.model')
    place ??= { ...found, named }
    if (found.lane !== place.lane || found.model !== place.model) {
      const message = `The model '${named}' for this request does not match the rest of the batch. Each batch must contain requests for a single model.`
      return failed('mismatched_model', message, 'body.model')
    }
    if (endpoint === '/v1/embeddings') inputs += countInputs(body['input'])
    const json = bodyText(text, named, found.model)
    if (json.length > maxTextLength) {
      const most = maxTextLength.toLocaleString('en')
      return failed('invalid_request', `The body is longer than ${most} characters.`, 'body')
    }
    return { ok: true, item: { id: request['custom_id'] as string, text: json } }
  }

  return { items: items(), errors, place: () => place, count: () => Math.min(count, mostRequests) }
}

/** The body as it is in the line, but for the name of its model where the provider knows another one. */
function bodyText(line: string, named: string, model: string): string {
  const span = findJsonMembers(line).get('body')
  const body = line.slice(span?.start, span?.end)
  if (named === model) return body
  const { start, end } = findJsonMembers(body).get('model') ?? { start: 0, end: 0 }
  return `${body.slice(0, start)}${JSON.stringify(model)}${body.slice(end)}`
}

/** A list of texts, or of token lists, counts each of its elements; a text, or one token list, is one. */
function countInputs(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
}

/** 50,000 long ids would take 25 MB. */
function shortKey(id: string): string {
  return id.length <= 43 ? id : createHash('sha256').update(id).digest('base64url')
}

function failed(code: string, message: string, param: string | null): Checked {
  return { ok: false, error: { code, message, param } }
}

function wrongType(name: string, expected: string, value: unknown): Checked {
  const message = `Invalid type for '${name}': expected ${expected}, but got ${kindOf(value)} instead.`
  return failed('invalid_type', message, name)
}

function tooMany(what: string, most: number) {
  return {
    code: 'too_many_tasks',
    message: `The input file has more than ${most.toLocaleString('en')} ${what}.`,
    param: null,
  }
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
