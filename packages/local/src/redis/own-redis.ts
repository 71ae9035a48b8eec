import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRedis } from './find-redis.ts'
import { redisCommand } from './redis-command.ts'
import { untilReady } from './redis-ready.ts'
import { findFreePort } from '../processes/ports.ts'

export interface OwnRedis extends AsyncDisposable {
  readonly url: string
  pid(): number
  start(): Promise<void>
  kill(): Promise<void>
}

/** A durable Redis of one's own, for a test or a benchmark: it may be killed and started again on the same data, and is thrown away afterwards. */
export async function startOwnRedis(): Promise<OwnRedis> {
  const source = await findRedis(undefined, console.error)
  if (source.type === 'url') throw new Error('A Redis of its own is needed here, not one by URL.')
  const directory = await mkdtemp(join(tmpdir(), 'sluice-redis-'))
  const port = await findFreePort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const command = await redisCommand(source, { port, directory }, console.error)

  const redis = {
    url,
    pid: () => child?.pid ?? 0,
    async start() {
      child = spawn(command.path, command.args, { stdio: 'ignore' })
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
