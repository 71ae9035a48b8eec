import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
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
  /**
   * From now on its disk is full: it can make no file larger (by the limit RLIMIT_FSIZE, so without root). A Redis that writes always to
   * disk exits with its next write. Resolves when it has; `start` has space again.
   */
  fillDisk(): Promise<void>
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
      // With the signal ignored, a write beyond the limit of `fillDisk` fails as on a full disk.
      const args = ['-c', 'trap "" XFSZ; exec "$0" "$@"', command.path, ...command.args]
      child = spawn('sh', args, { stdio: 'ignore', env: { ...process.env, ...command.env } })
      await untilReady(url, AbortSignal.timeout(30_000))
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await command.cleanUp()
      await exited
    },
    async fillDisk() {
      if (child === undefined || source.type !== 'server')
        throw new Error('Only a redis-server of this machine can be given a full disk.')
      const exited = once(child, 'exit')
      await promisify(execFile)('prlimit', ['--pid', String(child.pid), '--fsize=0'])
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
