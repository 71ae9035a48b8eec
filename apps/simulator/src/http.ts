import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ApiError, errorBody } from './errors.ts'

const mostBodyBytes = 32 * 1024 * 1024

/** The whole body as text, or null when it is too long. Rejects when the client leaves before its end. */
export function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= mostBodyBytes) chunks.push(chunk)
    })
    request.on('end', () =>
      resolve(
        length > mostBodyBytes ? null : chunks.length === 1 ? chunks[0]!.toString() : Buffer.concat(chunks).toString(),
      ),
    )
    request.on('error', reject)
    request.on('close', () => {
      if (!request.complete) reject(new Error('The client left before the end of its request.'))
    })
  })
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

export function sendError(
  response: ServerResponse,
  error: ApiError,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, error.status, errorBody(error), { ...headers, ...error.headers })
}

/** True after `ms` (never, for Infinity), false as soon as the client has left. */
export function pause(ms: number, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false)
    const onClose = () => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(onTime, ms)
    response.once('close', onClose)
    function onTime() {
      response.off('close', onClose)
      resolve(true)
    }
  })
}
