export interface RepeatOptions {
  readonly everyMs: number
  /** When it runs for the first time. */
  readonly first: 'at-once' | 'after-interval'
  /** Receives what `act` throws; `act` runs again at its next turn. */
  readonly onError: (error: Error) => void
}

export interface Repeating {
  /** Runs no more, and resolves when a run that is under way has ended. Safe to call twice. */
  stop(): Promise<void>
}

/** Runs `act` every `everyMs`. Runs never overlap: a turn that comes while one is under way is skipped. */
export function repeat(act: () => Promise<void>, { everyMs, first, onError }: RepeatOptions): Repeating {
  let underWay: Promise<void> | undefined
  const run = () => {
    underWay ??= runOnce().finally(() => {
      underWay = undefined
    })
  }
  const runOnce = async () => {
    try {
      await act()
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const timer = setInterval(run, everyMs)
  if (first === 'at-once') run()

  return {
    async stop() {
      clearInterval(timer)
      await underWay
    },
  }
}
