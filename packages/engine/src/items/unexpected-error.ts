/** An error that nobody expected, told by its name and place: its own words may quote a text or an answer, and this one goes to logs. */
export class UnexpectedError extends Error {
  override readonly name = 'UnexpectedError'
  constructor(cause: unknown) {
    super(`A call ended in an error of the service: ${told(cause)}.`)
  }
}

function told(cause: unknown): string {
  if (!(cause instanceof Error)) return `a ${typeof cause} was thrown`
  // Redis tells what is wrong with a command, never its values.
  if (isReply(cause)) return cause.message
  const place = cause.stack?.split('\n').find((line) => /^\s+at /.test(line))
  return place === undefined ? cause.name : `${cause.name} ${place.trim()}`
}

/** Redis cannot serve now (READONLY, LOADING, OOM): no fault of the item. A script that fails says ERR. */
export function isOutage(error: unknown): boolean {
  return isReply(error) && !error.message.startsWith('ERR ')
}

function isReply(error: unknown): error is Error & { name: 'ReplyError' } {
  return error instanceof Error && error.name === 'ReplyError'
}
