import type { Result } from '@sluice/contract/result'

export type OutputOf = 'succeeded' | 'failed'

/** What the items of a batch that did not run are called. */
export type LeftOver = 'batch_cancelled' | 'batch_expired'

const leftOverMessages: Readonly<Record<LeftOver, string>> = {
  batch_cancelled: 'This request was not executed because the batch was cancelled.',
  batch_expired: 'This request could not be executed before the completion window expired.',
}

/** Which of a batch's two files has the line of a result. */
export function fileOf({ status }: Pick<Result, 'status'>): OutputOf {
  return status === 'succeeded' ? 'succeeded' : 'failed'
}

/**
 * A result as a line of OpenAI's output and error files, with its end. The provider's response is in it byte for byte, so the line is
 * composed as text. A response that reports an error has its status, and `error` null; without a response it is the reverse.
 */
export function outputLine(batchId: string, result: Omit<Result, 'cursor'>, leftOver: LeftOver): string {
  const { index, id, status, response, error } = result
  const lineId = `batch_req_${batchId.replace('batch_', '')}${index.toString(16).padStart(5, '0')}`
  const start = `{"id":${JSON.stringify(lineId)},"custom_id":${JSON.stringify(id)}`
  if (response !== undefined) {
    const { status_code: code, request_id: requestId, body } = response
    return `${start},"response":{"status_code":${code},"request_id":${JSON.stringify(requestId || lineId)},"body":${body}},"error":null}\n`
  }
  const failure =
    status === 'cancelled'
      ? { code: leftOver, message: leftOverMessages[leftOver] }
      : { code: error?.type ?? 'internal_error', message: error?.message ?? '' }
  return `${start},"response":null,"error":${JSON.stringify(failure)}}\n`
}

const reasoning = /"reasoning_tokens"\s*:\s*(\d{1,9})/g

/** The tokens that the model spent on reasoning, where its usage says so: in the text of a body, quotation marks are escaped. */
export function reasoningTokens({ response }: Pick<Result, 'response'>): number {
  return Number([...(response?.body.matchAll(reasoning) ?? [])].at(-1)?.[1] ?? 0)
}
