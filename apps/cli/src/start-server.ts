import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Screen } from '@sluice/terminal/screen'
import { CliError } from './cli-error.ts'

const lookEveryMs = 200
/** An image or a package may have to be downloaded for Redis. */
const readyWithinMs = 300_000

/** The program that `pnpm start` runs, if this command is in the repository. */
export function findStart(): string | undefined {
  const file = resolve(import.meta.dirname, '../../start/src/main.ts')
  return existsSync(file) ? file : undefined
}

/** Starts everything in the background, so that it outlives this process, and resolves when it answers at `url`. */
export async function startServer(
  start: string,
  {
    url,
    env,
    screen,
    signal,
  }: { readonly url: string; readonly env: NodeJS.ProcessEnv; readonly screen: Screen; readonly signal: AbortSignal },
): Promise<{ readonly pid: number; readonly logFile: string }> {
  const root = resolve(start, '../../../..')
  const directory = resolve(root, env['SLUICE_DATA_DIR'] || '.sluice', 'logs')
  await mkdir(directory, { recursive: true })
  const logFile = join(directory, 'start.log')
  const log = await open(logFile, 'w')
  const { hostname, port } = new URL(url)
  const child = spawn(process.execPath, [start, '--background'], {
    cwd: root,
    env: { ...env, HOST: hostname, PORT: port },
    // A separate session: neither Ctrl-C nor the end of this terminal reaches it.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  const ended = once(child, 'exit').then(() => 'ended' as const)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(readyWithinMs)])
  screen.status(() => 'Starting Sluice...')
  try {
    const outcome = await Promise.race([untilReady(url, deadline), ended])
    if (outcome === 'ended')
      throw new CliError(`Sluice did not start: ${await lastLine(logFile)} (complete log: ${logFile})`)
  } catch (error) {
    child.kill('SIGTERM')
    throw error instanceof Error && error.name === 'TimeoutError'
      ? new CliError(`Sluice was not ready within ${readyWithinMs / 60_000} minutes. See the log: ${logFile}`)
      : error
  } finally {
    screen.status(null)
  }
  child.unref()
  return { pid: child.pid!, logFile }
}

async function untilReady(url: string, signal: AbortSignal): Promise<'ready'> {
  while (true) {
    const response = await fetch(`${url}/readyz`, { signal }).catch(() => undefined)
    await response?.body?.cancel()
    if (response?.ok === true) return 'ready'
    await sleep(lookEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').at(-1) || 'the log is empty'
}
