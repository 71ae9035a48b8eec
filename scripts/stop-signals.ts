/** The two steps of stopping: the first signal asks for a clean stop, the second for one at once. */
export interface StopSignals extends Disposable {
  readonly stop: AbortSignal
  readonly hurry: AbortSignal
}

const parentLookEveryMs = 1_000

/** Ctrl-C, SIGTERM and SIGHUP; and, run by a package manager, the end of that package manager, which may pass no signal on. */
export function listenForStop(onStep: (step: 'stop' | 'hurry') => void): StopSignals {
  const stop = new AbortController()
  const hurry = new AbortController()
  let lastAt = 0
  const act = (): void => {
    // One Ctrl-C may arrive twice: from the terminal and once more from the package manager that passes it on.
    const isEcho = Date.now() - lastAt < 250
    lastAt = Date.now()
    if (!stop.signal.aborted) {
      onStep('stop')
      stop.abort()
    } else if (!isEcho && !hurry.signal.aborted) {
      onStep('hurry')
      hurry.abort()
    }
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, act)
  const parent = process.ppid
  const look = (): void => {
    if (process.ppid === parent) return
    clearInterval(timer)
    act()
  }
  // Without a package manager a parent that ends is nothing unusual: a shell that is closed after `nohup`.
  const timer = process.env['npm_lifecycle_event'] === undefined ? undefined : setInterval(look, parentLookEveryMs)
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const name of names) process.off(name, act)
    },
  }
}
