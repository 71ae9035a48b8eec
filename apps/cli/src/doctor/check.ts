/** One check, and how to fix it if it failed. */
export interface Check {
  readonly what: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly fix?: string
}

export function ok(what: string, message: string): Check {
  return { what, state: 'ok', message }
}

export function warning(what: string, message: string, fix: string): Check {
  return { what, state: 'warning', message, fix }
}

export function failed(what: string, message: string, fix: string): Check {
  return { what, state: 'failed', message, fix }
}
