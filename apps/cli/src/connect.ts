import { createClient, type Sluice } from '@sluice/client'
import { ask } from '@sluice/terminal/ask'
import type { Cli } from './cli.ts'
import { CliError } from './cli-error.ts'
import { findStart, startServer } from './start-server.ts'

const answerWithinMs = 5_000

/** Throws a CliError that says how to start a server if none answers. */
export async function connect(cli: Cli): Promise<Sluice> {
  const { config, screen, mayAsk, signal } = cli
  const { url, isUrlGiven, apiKey } = config
  const why = await whyUnreachable(url, signal)
  if (why !== undefined) {
    if (isUrlGiven) throw new CliError(`No Sluice server answers at ${url} (${why}). Start it, or correct SLUICE_URL.`)
    const start = findStart()
    const question = `No Sluice server runs at ${url}. Start one on this machine, in the background?`
    if (
      start === undefined ||
      !mayAsk ||
      !(await ask(question, 'yes', { input: process.stdin, output: process.stderr, signal }))
    ) {
      throw new CliError(
        `No Sluice server answers at ${url} (${why}). Start one with \`npx -y pnpm@12 start\`, or set SLUICE_URL to the address of a running one.`,
      )
    }
    const { pid, logFile } = await startServer(start, { url, env: config.env, screen, signal })
    screen.say(`Sluice runs in the background (process ${pid}, log ${logFile}). To stop it: kill ${pid}`)
  }
  return createClient({ baseUrl: url, apiKey })
}

/** Undefined if a server answers, whatever the response is. */
export async function whyUnreachable(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/healthz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
    })
    await response.body?.cancel()
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    const { cause, message, name } = error as Error
    if (name === 'TimeoutError') return `no answer within ${answerWithinMs / 1_000} s`
    const { code } = (cause ?? {}) as NodeJS.ErrnoException
    return code === 'ECONNREFUSED' ? 'connection refused' : (code ?? message)
  }
}
