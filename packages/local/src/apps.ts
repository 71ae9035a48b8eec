import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '@sluice/config/config'
import { findFreePort } from './processes/ports.ts'
import { startService, type Service } from './processes/service.ts'

/** What every service needs to start. */
export interface Surroundings {
  /** Folder of the log files. */
  readonly logs: string
  readonly say: (line: string) => void
  /** Aborts a start in progress. */
  readonly signal: AbortSignal
  /** Makes every stop immediate. */
  readonly hurry: AbortSignal
}

const readyWithinMs = 30_000
/** In addition to the grace period: the apps stop within 5 s after it. */
const stopBeyondGraceMs = 7_000
const pollMs = 100

/** On a free port. The SIMULATOR_ variables of the environment configure it. */
export async function startSimulator({
  logs,
  say,
  signal,
  hurry,
}: Surroundings): Promise<Service & { readonly baseUrl: string }> {
  const port = await findFreePort()
  const service = await startService(
    {
      name: 'The simulator',
      program: { type: 'node', file: 'apps/simulator/src/main.ts' },
      env: { ...process.env, SIMULATOR_PORT: String(port), SIMULATOR_HOST: '127.0.0.1' },
      logFile: `${logs}/simulator.log`,
      untilReady: (ready) => untilAnswers(`http://127.0.0.1:${port}/v1/models`, ready),
      readyWithinMs,
      stopWithinMs: stopBeyondGraceMs,
    },
    say,
    { signal, hurry },
  )
  return Object.assign(service, { baseUrl: `http://127.0.0.1:${port}/v1` })
}

export function startWorker(
  env: NodeJS.ProcessEnv,
  config: Config,
  { logs, say, signal, hurry }: Surroundings,
): Promise<Service> {
  const logFile = `${logs}/worker.log`
  return startService(
    {
      name: 'The worker',
      program: { type: 'node', file: 'apps/worker/src/main.ts' },
      env: { ...env, SLUICE_LOG_LEVEL: logLevel(config) },
      logFile,
      untilReady: (ready) => untilLogged(logFile, 'worker ready', ready),
      readyWithinMs,
      stopWithinMs: config.worker.graceMs + stopBeyondGraceMs,
    },
    say,
    { signal, hurry },
  )
}

export function startApi(
  env: NodeJS.ProcessEnv,
  config: Config,
  { logs, say, signal, hurry }: Surroundings,
): Promise<Service> {
  const { host, port } = config.api
  const shownHost = host.includes(':') ? `[${host}]` : host
  return startService(
    {
      name: 'The API',
      program: { type: 'node', file: 'apps/api/src/main.ts' },
      env: { ...env, SLUICE_LOG_LEVEL: logLevel(config) },
      logFile: `${logs}/api.log`,
      untilReady: (ready) => untilAnswers(`http://${shownHost}:${port}/readyz`, ready),
      readyWithinMs,
      stopWithinMs: config.worker.graceMs + stopBeyondGraceMs,
    },
    say,
    { signal, hurry },
  )
}

/** At least `info`: the line that reports the worker ready is read from its log file. */
function logLevel({ logLevel }: Config): string {
  return logLevel === 'debug' || logLevel === 'trace' ? logLevel : 'info'
}

async function untilAnswers(url: string, signal: AbortSignal): Promise<void> {
  while (true) {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) }).catch(
      () => undefined,
    )
    await response?.body?.cancel()
    if (response?.ok === true) return
    await sleep(pollMs, undefined, { signal })
  }
}

async function untilLogged(logFile: string, line: string, signal: AbortSignal): Promise<void> {
  while (!(await readFile(logFile, 'utf8')).includes(line)) await sleep(pollMs, undefined, { signal })
}
