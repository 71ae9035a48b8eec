import { CliError, exitCodes } from './cli-error.ts'

const echoWithinMs = 250

/**
 * Aborts on Ctrl-C, SIGTERM and SIGHUP, so that results that were read are still written and the next step is printed. A second
 * signal ends the process at once.
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
