import { createHash } from 'node:crypto'
import { mkdir, realpath } from 'node:fs/promises'
import { StartError } from '../start-error.ts'
import { run } from '../processes/run.ts'
import type { LocalRedis } from './find-redis.ts'

/** A program to run in the foreground, and how to end what survives it. */
export interface RedisCommand {
  readonly path: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Ends what stays running when the program is killed: the container, for Docker. */
  readonly cleanUp: () => Promise<void>
}

/** Durability first: Redis replies only after the write is on disk, and evicts nothing. No snapshots in addition to the log. */
export const durableOptions = '--appendonly yes --appendfsync always --maxmemory-policy noeviction --daemonize no'
  .split(' ')
  .concat('--save', '')

/** How to run a Redis on 127.0.0.1:`port` with its data in `directory`. Creates the folder, and pulls the image if it is missing. */
export async function redisCommand(
  source: LocalRedis,
  place: { readonly port: number; readonly directory: string },
  say: (line: string) => void,
): Promise<RedisCommand> {
  await mkdir(place.directory, { recursive: true })
  const directory = await realpath(place.directory)
  switch (source.type) {
    case 'server':
      return {
        path: source.path,
        env: source.env,
        args: ['--bind', '127.0.0.1', '--port', String(place.port), '--dir', directory, ...durableOptions],
        cleanUp: async () => {},
      }
    case 'docker':
      return dockerCommand(place.port, directory, say)
    default:
      return source satisfies never
  }
}

async function dockerCommand(port: number, directory: string, say: (line: string) => void): Promise<RedisCommand> {
  const image = 'redis:8'
  if (!(await run('docker', ['image', 'inspect', image])).ok) {
    say(`Pulling the image ${image}...`)
    const pulled = await run('docker', ['pull', '--quiet', image], { timeoutMs: 300_000 })
    if (!pulled.ok)
      throw new StartError(`Docker cannot pull ${image}: ${pulled.stderr.trim().split('\n').at(-1) ?? ''}`)
  }
  // One name for one data directory: two containers on the same data would destroy it.
  const name = `sluice-redis-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`
  const cleanUp = async (): Promise<void> => {
    await run('docker', ['rm', '--force', name], { timeoutMs: 20_000 })
  }
  await cleanUp()
  const owner = process.getuid === undefined ? [] : [`--user=${process.getuid()}:${process.getgid?.() ?? 0}`]
  return {
    path: 'docker',
    env: {},
    args: [
      'run',
      '--rm',
      `--name=${name}`,
      `--publish=127.0.0.1:${port}:6379`,
      `--volume=${directory}:/data`,
      ...owner,
      image,
      'redis-server',
      '--dir',
      '/data',
      '--protected-mode',
      'no',
      ...durableOptions,
    ],
    cleanUp,
  }
}
