import { CliError, exitCodes } from './cli-error.ts'

const echoWithinMs = 250

/**
 * Aborts at Ctrl-C, SIGTERM and SIGHUP, so that what was read is still written and the way to go on is said; a second signal does not
 * wait for that.
 */
export function createStopSignal(): AbortSignal {
  const stop = new AbortController()
  let stoppedAt = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!stop.signal.aborted) {
        stoppedAt = Date.now()
        stop.abort(new CliError('Stopped.', exitCodes.detached))
        // One Ctrl-C may arrive twice: from the terminal, and from a package manager that passes it on.
      } else if (Date.now() - stoppedAt > echoWithinMs) process.exit(exitCodes.detached)
    })
  }
  return stop.signal
}
