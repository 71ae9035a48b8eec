import { isReply } from '../redis/refusal.ts'

/**
 * An error that no outcome describes. It is logged, so it names the error's class and place only: the original message may quote a
 * text or an answer.
 */
export class UnexpectedError extends Error {
  override readonly name = 'UnexpectedError'
  constructor(cause: unknown) {
    super(`A call ended in an error of the service: ${describe(cause)}.`)
  }
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return `a ${typeof cause} was thrown`
  // A message of Redis says what is wrong with a command, and never contains its values.
  if (isReply(cause)) return cause.message
  const place = cause.stack?.split('\n').find((line) => /^\s+at /.test(line))
  return place === undefined ? cause.name : `${cause.name} ${place.trim()}`
}
