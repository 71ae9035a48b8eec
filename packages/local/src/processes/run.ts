import { execFile } from 'node:child_process'

export interface Finished {
  /** The program exists, and ended in time with exit code 0. */
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** 10 s by default. */
  readonly timeoutMs?: number
  readonly cwd?: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a program until it ends. Never rejects: a program that is missing, fails or takes too long is `ok: false`. */
export function run(
  path: string,
  args: readonly string[],
  { timeoutMs = 10_000, cwd, env = {} }: RunOptions = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      path,
      [...args],
      // Messages are read, so that they must be in English.
      { timeout: timeoutMs, killSignal: 'SIGKILL', cwd, env: { ...process.env, LC_ALL: 'C', ...env } },
      (error, stdout, stderr) => {
        resolve({ ok: error === null, stdout, stderr })
      },
    )
  })
}
