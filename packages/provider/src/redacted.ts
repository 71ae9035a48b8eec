import type { Extract } from '@sluice/contract/extract-function'
import type { Redactor } from '@sluice/contract/redact'

/**
 * An `extract` whose answers and errors carry no configured secret. It is the one place where a provider's words come in: they go on
 * into results, reasons of pauses, logs and Bull Board.
 */
export function redacted(extract: Extract, { text, value }: Redactor): Extract {
  return async (request, options) => {
    try {
      const call = await extract(request, options)
      const { response } = call
      return {
        ...call,
        outcome: value(call.outcome),
        raw: value(call.raw),
        ...(response === undefined ? {} : { response: value(response) }),
      }
    } catch (error) {
      if (
        !(error instanceof Error) ||
        text(`${error.message}${error.stack ?? ''}`) === `${error.message}${error.stack ?? ''}`
      )
        throw error
      // Its cause would carry the secret on.
      const clean = new Error(text(error.message))
      clean.name = error.name
      throw clean
    }
  }
}
