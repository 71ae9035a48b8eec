import { packageManagersAbove } from './processes/package-managers.ts'

/** The two steps of stopping: the first signal requests a clean stop, the second an immediate one. */
export interface StopSignals extends Disposable {
  readonly stop: AbortSignal
  readonly hurry: AbortSignal
}

const echoWithinMs = 250
const pollMs = 1_000
const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C, SIGTERM and SIGHUP; if requested, also the end of the package manager that runs this process, which may not pass on its signal. */
export function listenForStop(
  onStep: (step: 'stop' | 'hurry') => void,
  to: 'signals' | 'signals and package manager',
): StopSignals {
  const stop = new AbortController()
  const hurry = new AbortController()
  let lastAt = 0
  const act = (): void => {
    // One Ctrl-C may arrive twice: from the terminal, and from the package manager.
    const isEcho = Date.now() - lastAt < echoWithinMs
    lastAt = Date.now()
    if (!stop.signal.aborted) {
      onStep('stop')
      stop.abort()
    } else if (!isEcho && !hurry.signal.aborted) {
      onStep('hurry')
      hurry.abort()
    }
  }
  for (const name of names) process.on(name, act)
  const watch = to === 'signals' ? undefined : watchPackageManagers(act)
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    [Symbol.dispose]() {
      watch?.[Symbol.dispose]()
      for (const name of names) process.off(name, act)
    },
  }
}

function watchPackageManagers(onEnd: () => void): Disposable {
  let managers: readonly number[] = []
  void packageManagersAbove(process.pid).then((pids) => (managers = pids))
  const timer = setInterval(() => {
    if (managers.every(isRunning)) return
    clearInterval(timer)
    onEnd()
  }, pollMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It runs as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
