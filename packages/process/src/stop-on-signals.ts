import type { Logger } from 'pino'

/** Beyond the grace that was asked for: time to hand back, close connections and write the last log lines. */
const deadlineMs = 5_000

/**
 * The first SIGTERM, SIGINT or SIGHUP stops the process cleanly within `graceMs`; a second one at once. It exits 0 when `stop` has
 * resolved, 1 when it failed or took too long. `stop` is called once for each signal and must bear being called twice.
 */
export function stopOnSignals(log: Logger, graceMs: number, stop: (graceMs: number) => Promise<void>): void {
  let signals = 0
  const act = (signal: NodeJS.Signals) => {
    signals += 1
    if (signals > 2) return
    log.info({ signal }, signals === 1 ? 'stopping' : 'stopping at once')
    const allowedMs = signals === 1 ? graceMs : 0
    setTimeout(() => {
      log.error({ signal }, 'did not stop in time')
      process.exit(1)
    }, allowedMs + deadlineMs).unref()
    stop(allowedMs).then(
      () => {
        log.info('stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.error({ error: String(error) }, 'did not stop cleanly')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, act)
}
