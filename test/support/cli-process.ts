import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { inherited } from '@sluice/local/processes/app-process'
import { onTestFailed, onTestFinished } from 'vitest'

const main = resolve(import.meta.dirname, '../../apps/cli/src/main.ts')

/** The command as a process, without a terminal. */
export interface CliProcess {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves when it has ended and all of its output is there; null when a signal killed it. */
  readonly ended: Promise<number | null>
}

export interface CliPlace {
  /** Where it runs, and keeps its memory. */
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
}

function environment({ directory, env }: CliPlace): Record<string, string> {
  return { ...inherited(), HOME: directory, XDG_STATE_HOME: `${directory}/state`, ...env }
}

/** `input` is what it reads from standard input; without it there is none. */
export function startCli(place: CliPlace, args: readonly string[], input?: string): CliProcess {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: place.directory,
    env: environment(place),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => (printed[name] += text))
  }
  child.stdin?.end(input)
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  onTestFailed(() =>
    console.error(`--- sluice ${args.join(' ')}\n${printed.stdout.slice(-2_000)}\n---\n${printed.stderr}`),
  )
  return { child, stdout: () => printed.stdout, stderr: () => printed.stderr, ended }
}

export async function runCli(
  place: CliPlace,
  args: readonly string[],
  input?: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { ended, stdout, stderr } = startCli(place, args, input)
  const code = await ended
  return { code, stdout: stdout(), stderr: stderr() }
}

/** The command on a separate terminal (`script` of util-linux). */
export interface CliOnTerminal {
  /** All that came to the terminal, with its control characters. */
  readonly output: () => string
  readonly type: (keys: string) => void
  readonly resize: (columns: number) => Promise<void>
  readonly ended: Promise<number | null>
}

export function startOnTerminal(place: CliPlace, args: readonly string[], columns: number): CliOnTerminal {
  const quoted = [process.execPath, main, ...args].map((arg) => `'${arg}'`).join(' ')
  const child = spawn('script', ['-qfec', `stty cols ${columns} rows 30; tty; exec ${quoted}`, '/dev/null'], {
    cwd: place.directory,
    env: { ...environment(place), SHELL: '/bin/sh', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  onTestFailed(() => console.error(`--- sluice ${args.join(' ')}\n${JSON.stringify(output.slice(-3_000))}`))
  return {
    output: () => output,
    type: (keys) => void child.stdin.write(keys),
    async resize(to) {
      const terminal = /\/dev\/pts\/\d+/.exec(output)?.[0]
      const stty = spawn('stty', ['-F', terminal ?? 'none', 'cols', String(to)], { stdio: 'ignore' })
      const [code] = (await once(stty, 'exit')) as [number]
      if (code !== 0) throw new Error(`The terminal ${terminal} could not be resized.`)
    },
    ended,
  }
}
