import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** What to run, and where what it prints goes. */
export type Program =
  /** A file of ours, run by this Node. */
  | { readonly type: 'node'; readonly file: string }
  /** Any other program. It is stopped by SIGTERM, too, some seconds after `start` was killed outright. */
  | { readonly type: 'other'; readonly path: string; readonly args: readonly string[] }

export interface Child {
  readonly pid: number
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<void>
  /** Asks it to stop. */
  terminate(): void
  /** Ends it and what it started, at once. */
  kill(): void
}

/**
 * Starts a program in a process group of its own: the terminal's Ctrl-C reaches only `start`, which stops all in order.
 * Its output goes to `logFile`; that of the run before is kept beside it. Rejects when the program cannot be run.
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

/** Keeps the log of the run before as `<name>.previous`, so that one run's log is one file. */
export async function rotateLog(logFile: string): Promise<void> {
  await rename(logFile, `${logFile}.previous`).catch(ignoreMissing)
}

/** Why a program that could not start stopped, as far as its log tells: what it refused, else what it threw, else its last line; or ''. */
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

// A line on the pipe is the order to stop. The pipe also closes when `start` is killed outright; what it had started then needs
// some seconds to hand back its work, so the program, which is Redis, goes last.
const untilTold = `
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
        : ['sh', ['-c', untilTold, 'sh', program.path, ...program.args]]
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
