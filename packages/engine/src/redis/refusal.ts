/**
 * Replies by which Redis says that it takes no writes, or none here: it is full (OOM), cannot save (MISCONF), is a replica (READONLY),
 * has too few replicas, is loading, or the cluster has no node for the key now. None of them is caused by the command.
 */
const codes = 'OOM|MISCONF|READONLY|NOREPLICAS|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOAUTH|NOPERM|WRONGPASS'
const refusal = new RegExp(`^-?(?:${codes})\\b`)
/** What ioredis says when a command could not be sent, or when its reply never came. */
const lostConnection =
  /Connection is closed|Stream isn't writeable|max retries per request|Connection in .* is ended|None of startup nodes|Failed to refresh slots|Too many Cluster redirections|Cluster isn't ready|Socket timeout|Command timed out|Reached the max retries|ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND/

/** An error reply of Redis to any command. */
export function isReply(error: unknown): error is Error & { name: 'ReplyError' } {
  return error instanceof Error && error.name === 'ReplyError'
}

/** Whether Redis cannot serve now, whatever the command is: the same write may succeed later. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // A transaction whose commands were refused.
  if ('previousErrors' in error && Array.isArray(error.previousErrors)) return error.previousErrors.some(isOutage)
  if (isReply(error)) return refusal.test(error.message)
  return refusal.test(error.message) || lostConnection.test(error.message)
}

/** The code of a reply, for a line of the log: OOM, READONLY, ... */
export function outageCode(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return new RegExp(`\\b(?:${codes})\\b`).exec(message)?.[0] ?? 'no connection'
}

/**
 * ioredis resolves a pipeline whose commands failed: this throws the first failure. A full Redis rejects even commands that only read
 * when they are in a transaction, so what only reads is a pipeline.
 */
export function throwFailure(replies: readonly (readonly [Error | null, unknown])[] | null): void {
  const failed = replies?.find(([error]) => error !== null)
  if (failed?.[0]) throw failed[0]
}
