import { createClient, type Sluice } from '@sluice/client'
import { ask } from '@sluice/terminal/ask'
import type { Cli } from './cli.ts'
import { CliError } from './cli-error.ts'
import { findStart, startServer } from './start-server.ts'

const answerWithinMs = 5_000

/** Throws a CliError that says how to get a server when there is none. */
export async function connect(cli: Cli): Promise<Sluice> {
  const { config, screen, mayAsk, signal } = cli
  const { url, isUrlGiven, apiKey } = config
  const why = await whyUnreachable(url, signal)
  if (why !== undefined) {
    if (isUrlGiven)
      throw new CliError(`No Sluice answers at ${url} (${why}). Is it running? The address is from SLUICE_URL.`)
    const start = findStart()
    const question = `No Sluice runs at ${url}. Start one here, in the background?`
    if (
      start === undefined ||
      !mayAsk ||
      !(await ask(question, 'yes', { input: process.stdin, output: process.stderr, signal }))
    ) {
      throw new CliError(
        `No Sluice answers at ${url} (${why}). Start one with \`npx -y pnpm@12 start\`, or set SLUICE_URL to where one runs.`,
      )
    }
    const { pid, logFile } = await startServer(start, { url, env: config.env, screen, signal })
    screen.say(`Sluice runs in the background: process ${pid}, log ${logFile}. Stop it with: kill ${pid}`)
  }
  return createClient({ baseUrl: url, apiKey })
}

/** Undefined when a server answers there, whatever it says. */
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
    return code === 'ECONNREFUSED' ? 'nothing listens there' : (code ?? message)
  }
}
