import { destination, type Logger, pino } from 'pino'

/** After this time the remaining lines are given up: nothing reads them. */
const lastLinesMs = 500

export interface Output {
  readonly log: Logger
  /** Ends the process when its last lines are written, or when nothing reads them. */
  readonly leave: (code: number) => void
}

/** JSON lines on standard output, written asynchronously: a slow reader does not block the process. `redact` removes secrets. */
export function openLog(app: string, { level, redact }: { level: string; redact: (line: string) => string }): Output {
  const output = destination({ dest: 1, sync: false })
  // A log that cannot be written does not end the process; its remaining lines are dropped.
  let broken = false
  output.on('error', () => {
    broken = true
  })
  return {
    // The last step before the output, so that every field of every message is redacted.
    log: pino({ level, base: { app, pid: process.pid } }, { write: (line) => output.write(redact(line)) }),
    leave(code) {
      const exit = () => {
        // At exit pino tries to write the remaining lines, and never stops if nothing reads them (sonic-boom 4.2 on EPIPE).
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
