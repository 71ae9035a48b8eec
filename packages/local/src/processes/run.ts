import { execFile } from 'node:child_process'

export interface Finished {
  /** It was there, ended in time, and with exit code 0. */
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. Never rejects: a program that is not there, fails or takes too long is `ok: false`. */
export function run(path: string, args: readonly string[], options: { timeoutMs?: number } = {}): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      path,
      [...args],
      { timeout: options.timeoutMs ?? 10_000, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        resolve({ ok: error === null, stdout, stderr })
      },
    )
  })
}
