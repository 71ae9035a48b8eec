import { z } from 'zod'

/**
 * The one error shape of the REST interface (docs/reference/errors.md), in the style of OpenAI's:
 * `type` groups for handling, `code` names the case, `param` is the path of the wrong field.
 */
const errorType = z.enum([
  'invalid_request_error',
  'authentication_error',
  'not_found_error',
  'conflict_error',
  'overloaded_error',
  'server_error',
])
export type ErrorType = z.infer<typeof errorType>

export const errorBody = z
  .object({
    error: z.object({
      type: errorType,
      code: z.string().describe('A stable, machine-readable name of the case, such as `invalid_item`.'),
      message: z.string().describe('What is wrong and how to fix it.'),
      param: z.string().nullable().describe('The wrong field, such as `items[3].text`; null if it is no field.'),
    }),
  })
  .meta({ id: 'Error' })
export type ErrorBody = z.infer<typeof errorBody>

/** Status code of each error type; some codes have their own. */
const statusOfType: Record<ErrorType, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  not_found_error: 404,
  conflict_error: 409,
  overloaded_error: 503,
  server_error: 500,
}
const statusOfCode: Record<string, number> = {
  too_large: 413,
  unsupported_media_type: 415,
  not_acceptable: 406,
  method_not_allowed: 405,
  request_timeout: 408,
  too_many_requests: 429,
  too_many_streams: 429,
  too_many_wrong_keys: 429,
}

/** An error that the caller can act on. Every other error is a bug or broken infrastructure. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly type: ErrorType
  readonly code: string
  readonly param: string | null
  readonly retryAfterS: number | undefined

  constructor(type: ErrorType, code: string, message: string, options: { param?: string; retryAfterS?: number } = {}) {
    super(message)
    this.type = type
    this.code = code
    this.param = options.param ?? null
    this.retryAfterS = options.retryAfterS
  }

  get status(): number {
    return statusOfCode[this.code] ?? statusOfType[this.type]
  }

  toBody(): ErrorBody {
    return { error: { type: this.type, code: this.code, message: this.message, param: this.param } }
  }
}

export function invalidRequest(code: string, message: string, param?: string): SluiceError {
  return new SluiceError('invalid_request_error', code, message, param === undefined ? {} : { param })
}

export function notFound(what: string, id: string): SluiceError {
  return new SluiceError('not_found_error', `${what}_not_found`, `There is no ${what} '${id}'.`)
}

export function conflict(code: string, message: string): SluiceError {
  return new SluiceError('conflict_error', code, message)
}

/** `['items', 3, 'text']` becomes `items[3].text`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (out, key) => (typeof key === 'number' ? `${out}[${key}]` : out === '' ? String(key) : `${out}.${String(key)}`),
    '',
  )
}
