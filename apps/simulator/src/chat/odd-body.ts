import type { FaultName } from '../faults.ts'

/** A 200 without a completion: an error as OpenRouter reports it after the status line, or a page of a proxy. Not paid. */
const insteadOfCompletion: Partial<Record<FaultName, { readonly body: string; readonly type: string }>> = {
  rate_limit_in_200: error(429, 'Rate limit exceeded upstream.'),
  error_in_200: error(502, 'The upstream provider returned an error.'),
  html: { body: '<!doctype html><title>Down for maintenance</title>', type: 'text/html' },
}

/** A completion as broken servers send it: cut off, without its message, or with usage that is not whole numbers. Paid. */
const bends: Partial<Record<FaultName, (body: string) => string>> = {
  broken_body: (body) => body.slice(0, Math.ceil(body.length / 2)),
  no_message: (body) => bent(body, { choices: [{ index: 0, finish_reason: 'stop' }] }),
  odd_usage: (body) => bent(body, { usage: { prompt_tokens: 5.5, completion_tokens: '3', total_tokens: null } }),
}

/** Null: this fault leaves a completion. */
export function bodyInstead(fault: FaultName | undefined) {
  return fault === undefined ? null : (insteadOfCompletion[fault] ?? null)
}

export function bendBody(body: string, fault: FaultName | undefined): string {
  const bend = fault === undefined ? undefined : bends[fault]
  return bend === undefined ? body : bend(body)
}

function error(code: number, message: string) {
  return { body: JSON.stringify({ error: { code, message } }), type: 'application/json' }
}

function bent(body: string, by: object): string {
  return JSON.stringify({ ...(JSON.parse(body) as object), ...by })
}
