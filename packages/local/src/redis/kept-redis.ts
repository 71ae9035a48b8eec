import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { preflight, rejection } from '@sluice/engine/redis/preflight'
import type { Surroundings } from '../apps.ts'
import { findFreePort } from '../processes/ports.ts'
import { startService, type Service } from '../processes/service.ts'
import { StartError } from '../start-error.ts'
import type { LocalRedis } from './find-redis.ts'
import { redisCommand } from './redis-command.ts'
import { shutDownOn, untilReady, whyNotReady } from './redis-ready.ts'

/** A large log takes time to load: about 100 MB a second. */
const readyWithinMs = 120_000
const endsWithinMs = 30_000

/** Starts a durable Redis on a free port of 127.0.0.1, with its data in `directory`. It runs until it is disposed of. */
export async function startKeptRedis(
  source: LocalRedis,
  directory: string,
  { logs, say, signal, hurry }: Surroundings,
): Promise<Service & { readonly url: string }> {
  await mkdir(directory, { recursive: true })
  await stopEarlierRedis(directory)
  const port = await findFreePort()
  const url = `redis://127.0.0.1:${port}`
  await writeFile(portFile(directory), String(port))
  const { path, args, env, cleanUp } = await redisCommand(source, { port, directory }, say)
  const service = await startService(
    {
      name: 'Redis',
      program: { type: 'other', path, args },
      env: { ...process.env, ...env },
      logFile: `${logs}/redis.log`,
      untilReady: (ready) => untilReady(url, ready),
      readyWithinMs,
      stopWithinMs: endsWithinMs,
      cleanUp,
    },
    say,
    { signal, hurry },
  )
  return Object.assign(service, { url })
}

function portFile(directory: string): string {
  return `${directory}/port`
}

/** A `start` that was killed leaves its Redis running for some seconds; two on the same data would destroy it. */
async function stopEarlierRedis(directory: string): Promise<void> {
  const port = await readFile(portFile(directory), 'utf8').catch(() => undefined)
  if (port === undefined) return
  const url = `redis://127.0.0.1:${port}`
  if (!(await shutDownOn(url, await realpath(directory)))) return
  const until = Date.now() + endsWithinMs
  while ((await whyNotReady(url, 1_000)) === undefined) {
    if (Date.now() > until) {
      throw new StartError(`A Redis on port ${port} still uses ${directory} and does not stop. Stop it first.`)
    }
    await sleep(100)
  }
}

/** Throws a StartError, with the fix, if work on this Redis would fail, or if it could be lost and the user has not allowed that. */
export async function requireUsable(
  url: string,
  { allowWeakDurability, prefix }: { readonly allowWeakDurability: boolean; readonly prefix: string },
  say: (line: string) => void,
): Promise<void> {
  for (const finding of await preflight(url, { prefix })) {
    const rejected = rejection(finding, { allowWeakDurability })
    if (rejected !== null) throw new StartError(rejected)
    say(finding.message)
  }
}
