import { SluiceError } from '@sluice/contract/error'
import { kindOf } from '@sluice/contract/json-text'
import type { ErrorRequestHandler } from 'express'

/** An error as OpenAI's API has it. Its clients read all four fields; each but the message may be null. */
export class OpenAiError extends Error {
  override readonly name = 'OpenAiError'
  readonly status: number
  readonly code: string | null
  readonly param: string | null

  constructor(
    status: number,
    message: string,
    { code = null, param = null }: Partial<Pick<OpenAiError, 'code' | 'param'>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.param = param
  }
}

const inWords = new Intl.ListFormat('en', { type: 'conjunction' })

export function missingParameter(name: string): OpenAiError {
  return new OpenAiError(400, `Missing required parameter: '${name}'.`, {
    code: 'missing_required_parameter',
    param: name,
  })
}

export function unknownParameter(name: string): OpenAiError {
  return new OpenAiError(400, `Unknown parameter: '${name}'.`, { code: 'unknown_parameter', param: name })
}

export function invalidValue(name: string, value: unknown, supported: readonly string[]): OpenAiError {
  const list = inWords.format(supported.map((one) => `'${one}'`))
  const shown = typeof value === 'string' ? value.slice(0, 200) : JSON.stringify(value)?.slice(0, 200)
  return new OpenAiError(400, `Invalid value: '${shown}'. Supported values are: ${list}.`, {
    code: 'invalid_value',
    param: name,
  })
}

export function invalidType(name: string, expected: string, value: unknown): OpenAiError {
  return new OpenAiError(400, `Invalid type for '${name}': expected ${expected}, but got ${kindOf(value)} instead.`, {
    code: 'invalid_type',
    param: name,
  })
}

export function outOfRange(name: string, value: unknown, least: number, most: number): OpenAiError {
  const [side, bound, code] =
    Number(value) < least
      ? (['>=', least, 'integer_below_min_value'] as const)
      : (['<=', most, 'integer_above_max_value'] as const)
  return new OpenAiError(
    400,
    `Invalid '${name}': expected a value ${side} ${bound}, but got ${String(value)} instead.`,
    {
      code,
      param: name,
    },
  )
}

export function noSuchFile(id: string): OpenAiError {
  return new OpenAiError(404, `No such File object: ${id}`, { param: 'id' })
}

/** Answers every error of these routes in OpenAI's shape: their own here, and, as a SluiceError, those of the parts that they share. */
export function createOpenAiErrorHandler({
  redact,
}: {
  readonly redact: (text: string) => string
}): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent || !(error instanceof OpenAiError || error instanceof SluiceError)) return next(error)
    const { status, code, param, message } = error
    if (error instanceof SluiceError && error.retryAfterS !== undefined)
      res.set('retry-after', String(error.retryAfterS))
    // The SDKs retry 409, which here never changes by itself.
    if (status === 409) res.set('x-should-retry', 'false')
    res.status(status).json({ error: { message: redact(message), type: typeOf(status), param, code } })
  }
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
