/** A refusal as OpenAI words it: `{ error: { message, type, param, code } }`. */
export interface ApiError {
  readonly status: number
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export function errorBody({ message, type, param, code }: ApiError): string {
  return JSON.stringify({ error: { message, type, param, code } })
}

export function invalidRequest(message: string, param: string | null, code: string | null = null): ApiError {
  return { status: 400, message, type: 'invalid_request_error', param, code }
}

export function unknownModel(model: string): ApiError {
  const message = `The model \`${model}\` does not exist or you do not have access to it.`
  return { status: 404, message, type: 'invalid_request_error', param: null, code: 'model_not_found' }
}

export function badKey(given: string | undefined): ApiError {
  const message =
    given === undefined
      ? "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
      : 'Incorrect API key provided.'
  return { status: 401, message, type: 'invalid_request_error', param: null, code: 'invalid_api_key' }
}

export function unknownUrl(method: string, path: string): ApiError {
  return {
    status: 404,
    message: `Invalid URL (${method} ${path})`,
    type: 'invalid_request_error',
    param: null,
    code: 'unknown_url',
  }
}

export function wrongMethod(method: string, path: string, allowed: string): ApiError {
  return {
    status: 405,
    message: `Not allowed to ${method} on ${path}; use ${allowed}.`,
    type: 'invalid_request_error',
    param: null,
    code: 'method_not_allowed',
    headers: { allow: allowed },
  }
}

export function outOfFunds(): ApiError {
  const message = 'You exceeded your current quota, please check your plan and billing details.'
  return { status: 429, message, type: 'insufficient_quota', param: null, code: 'insufficient_quota' }
}

export function serverError(status: number): ApiError {
  const message =
    status === 500 ? 'The server had an error while processing your request. Sorry about that!' : 'Overloaded.'
  return { status, message, type: 'server_error', param: null, code: null }
}
