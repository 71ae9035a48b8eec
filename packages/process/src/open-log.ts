import { destination, type Logger, pino } from 'pino'

/** What is not written by then has no reader. */
const lastLinesMs = 500

export interface Output {
  readonly log: Logger
  /** Ends the process when its last lines are written, or nobody reads them. */
  readonly leave: (code: number) => void
}

/** JSON lines on standard output, written in the background: a slow reader holds up nothing. */
export function openLog(app: string, level: string): Output {
  const output = destination({ dest: 1, sync: false })
  // A log that cannot be written ends nothing; what is left of it is not waited for.
  let broken = false
  output.on('error', () => {
    broken = true
  })
  return {
    log: pino({ level, base: { app, pid: process.pid } }, output),
    leave(code) {
      const exit = () => {
        // At exit pino tries to write what is left, for ever where nobody reads it any more (sonic-boom 4.2 on EPIPE).
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
