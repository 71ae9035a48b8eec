import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** What to run. */
export type Program =
  /** A file of this repository, run by this Node.js. */
  | { readonly type: 'node'; readonly file: string }
  /** Any other program. It gets SIGTERM some seconds after `start` was killed. */
  | { readonly type: 'other'; readonly path: string; readonly args: readonly string[] }

export interface Child {
  readonly pid: number
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Asks it to stop. */
  terminate(): void
  /** Kills it and every process that it started. */
  kill(): void
}

/**
 * Starts a program in a separate process group: the terminal's Ctrl-C reaches only `start`, which stops all programs in order.
 * Its output is appended to `logFile`. Rejects if the program cannot be run.
 */
export async function startChild(program: Program, env: NodeJS.ProcessEnv, logFile: string): Promise<Child> {
  const log = await open(logFile, 'a')
  try {
    const stdio: StdioOptions = program.type === 'node' ? ['ignore', log.fd, log.fd, 'ipc'] : ['pipe', log.fd, log.fd]
    const [path, args] = commandLine(program)
    const child = spawn(path, args, { env, stdio, detached: true })
    await once(child, 'spawn')
    const ended = endOf(child)
    return {
      pid: child.pid!,
      ended,
      terminate: () => (child.stdin === null ? child.kill('SIGTERM') : child.stdin.end('stop\n')),
      kill: () => killGroup(child),
    }
  } finally {
    await log.close()
  }
}

/** Renames the log of the previous run to `<name>.previous`, so that each run has its own file. */
export async function rotateLog(logFile: string): Promise<void> {
  await rename(logFile, `${logFile}.previous`).catch(ignoreMissing)
}

/** Why a program stopped while it was starting: the configuration error in its log, otherwise the exception, otherwise the last line, or ''. */
export async function reasonIn(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const line =
    lines.findLast((line) => line.startsWith('sluice: ')) ??
    lines.findLast((line) => /^\w*Error\b/.test(line)) ??
    lines.at(-1) ??
    ''
  return line.replace(/^sluice: /, '').trim()
}

// A line on the pipe is the order to stop. The pipe also closes when `start` is killed. The apps then need some seconds to return
// their items to the queue, so that this program, which is Redis, must stop last.
const stopOnOrder = `
exec 3<&0
"$@" </dev/null & child=$!
( read -r order <&3 || sleep 12; kill -TERM $child 2>/dev/null ) & watch=$!
wait $child; code=$?
kill $watch 2>/dev/null
exit $code
`

function commandLine(program: Program): [string, string[]] {
  switch (program.type) {
    case 'node':
      return [process.execPath, ['--import', new URL('stop-with-parent.ts', import.meta.url).href, program.file]]
    case 'other':
      return process.platform === 'win32'
        ? [program.path, [...program.args]]
        : ['sh', ['-c', stopOnOrder, 'sh', program.path, ...program.args]]
    default:
      return program satisfies never
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

/** Resolves to whether `child` ended within `ms`. */
export async function endsWithin(child: Child, ms: number): Promise<boolean> {
  const timer = new AbortController()
  const inTime = await Promise.race([
    child.ended.then(() => true),
    sleep(ms, false, { signal: timer.signal }).catch(() => false),
  ])
  timer.abort()
  return inTime
}
