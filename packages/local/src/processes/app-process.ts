import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const stopWithParent = new URL('stop-with-parent.ts', import.meta.url).href
const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** One app as a process, as a user starts it: configured by its environment, ended by its id. */
export interface Running extends AsyncDisposable {
  readonly pid: number
  readonly child: ChildProcess
  /** Everything it has printed so far. */
  output(): string
  /** Sends a signal; resolves to the exit code (null when the signal killed it). */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Only what the machine needs: no settings of the developer. */
export function inherited(): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) }
}

export async function run(
  app: 'api' | 'worker' | 'simulator',
  env: Record<string, string>,
  ready: RegExp,
): Promise<Running & { ready: RegExpExecArray }> {
  // Ends with this process, even if a test run or a benchmark is killed.
  const child = spawn(process.execPath, ['--import', stopWithParent, `apps/${app}/src/main.ts`], {
    cwd: root,
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let printed = ''
  const exited = once(child, 'exit') as Promise<[number | null]>
  const found = new Promise<RegExpExecArray>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      printed += chunk.toString()
      const match = ready.exec(printed)
      if (match) resolve(match)
    }
    child.stdout!.on('data', look)
    child.stderr!.on('data', look)
    void exited.then(([code]) => reject(new Error(`${app} ended with code ${code} before it was ready:\n${printed}`)))
    setTimeout(() => reject(new Error(`${app} was not ready within 60 s:\n${printed}`)), 60_000).unref()
  })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return (await exited)[0]
  }
  try {
    return {
      pid: child.pid ?? 0,
      child,
      output: () => printed,
      stop,
      ready: await found,
      [Symbol.asyncDispose]: async () => void (await stop('SIGKILL')),
    }
  } catch (error) {
    await stop('SIGKILL')
    throw error
  }
}
