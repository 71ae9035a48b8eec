import { destination, type Logger, pino } from 'pino'

/** Lines that are not written by then have no reader. */
const lastLinesMs = 500

export interface Output {
  readonly log: Logger
  /** Ends the process when the last lines are written, or when nobody reads them. */
  readonly leave: (code: number) => void
}

/** JSON lines on standard output, written in the background, so that a slow reader does not block the process. */
export function openLog(app: string, level: string): Output {
  const output = destination({ dest: 1, sync: false })
  // A broken log does not end the process, and its remaining lines are not waited for.
  let broken = false
  output.on('error', () => {
    broken = true
  })
  return {
    log: pino({ level, base: { app, pid: process.pid } }, output),
    leave(code) {
      const exit = () => {
        // At exit pino writes the remaining lines, and retries for ever if nobody reads them (sonic-boom 4.2 on EPIPE).
        output.flushSync = () => {}
        process.exit(code)
      }
      if (broken) exit()
      output.once('close', exit).once('error', exit)
      setTimeout(exit, lastLinesMs)
      output.end()
      output.write = () => true
    },
  }
}
