import type { Output } from './open-log.ts'

/** In addition to the grace period: time to return items, close connections and write the last log lines. */
const deadlineMs = 5_000

/**
 * The first SIGTERM, SIGINT or SIGHUP stops the process cleanly within `graceMs`; a second one immediately. The exit code is 0 when
 * `stop` resolved, 1 when it failed or took too long. `stop` is called once for each signal, so it must allow a second call.
 */
export function stopOnSignals({ log, leave }: Output, graceMs: number, stop: (graceMs: number) => Promise<void>): void {
  let signals = 0
  const act = (signal: NodeJS.Signals) => {
    signals += 1
    if (signals > 2) return
    log.info({ signal }, signals === 1 ? 'stopping' : 'stopping at once')
    const allowedMs = signals === 1 ? graceMs : 0
    setTimeout(() => {
      log.error({ signal }, 'did not stop in time')
      leave(1)
    }, allowedMs + deadlineMs).unref()
    void stopped(allowedMs).then(leave)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, act)

  async function stopped(allowedMs: number): Promise<number> {
    try {
      await stop(allowedMs)
      log.info('stopped')
      return 0
    } catch (error) {
      log.error({ error: String(error) }, 'did not stop cleanly')
      return 1
    }
  }
}
