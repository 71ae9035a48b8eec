import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolve } from 'node:path'
import { findLocalRedis } from './find-redis.ts'
import { redisCommand } from './redis-command.ts'
import { untilReady } from './redis-ready.ts'
import { findFreePort } from '../processes/ports.ts'

/** Where a package of Redis is unpacked if this machine has no Redis: where `start` looks, too. */
export const packageDirectory = resolve(import.meta.dirname, '../../../../.sluice')

export interface OwnRedis extends AsyncDisposable {
  readonly url: string
  pid(): number
  start(): Promise<void>
  kill(): Promise<void>
}

/** A durable Redis for one test or benchmark. It may be killed and started again on the same data, which is deleted at the end. */
export async function startOwnRedis(): Promise<OwnRedis> {
  const source = await findLocalRedis({ directory: packageDirectory, say: console.error })
  const directory = await mkdtemp(join(tmpdir(), 'sluice-redis-'))
  const port = await findFreePort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const command = await redisCommand(source, { port, directory }, console.error)

  const redis = {
    url,
    pid: () => child?.pid ?? 0,
    async start() {
      child = spawn(command.path, command.args, { stdio: 'ignore', env: { ...process.env, ...command.env } })
      await untilReady(url, AbortSignal.timeout(30_000))
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await command.cleanUp()
      await exited
    },
    async [Symbol.asyncDispose]() {
      await redis.kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
  await redis.start()
  return redis
}
