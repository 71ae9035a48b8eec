import { withoutPassword } from '@sluice/contract/redis-address'
import { StartError } from '../start-error.ts'
import { run } from '../processes/run.ts'
import { installDebianRedis } from './debian-package.ts'

/** Where a Redis comes from: one that runs already, a program that can be run, or Docker. */
export type RedisSource =
  | { readonly type: 'url'; readonly url: string; readonly label: string }
  | { readonly type: 'server'; readonly path: string; readonly label: string }
  | { readonly type: 'docker'; readonly label: string }

const dockerAnswerMs = 5_000

/**
 * The first that can be had: the given URL, `redis-server` or `valkey-server` on the PATH, Docker, Debian's package where it
 * may be installed. `say` is told before anything is downloaded. Throws a StartError that names all the ways.
 */
export async function findRedis(url: string | undefined, say: (line: string) => void): Promise<RedisSource> {
  if (url !== undefined) return { type: 'url', url, label: `the Redis of REDIS_URL (${withoutPassword(url)})` }
  return (await findServer()) ?? (await findDocker()) ?? (await installPackage(say)) ?? refuse()
}

async function findServer(): Promise<RedisSource | undefined> {
  for (const path of ['redis-server', 'valkey-server']) {
    const version = await run(path, ['--version'])
    if (version.ok)
      return { type: 'server', path, label: `${path} ${/v=([\d.]+)/.exec(version.stdout)?.[1] ?? ''}`.trim() }
  }
  return undefined
}

async function findDocker(): Promise<RedisSource | undefined> {
  const info = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: dockerAnswerMs })
  return info.ok ? { type: 'docker', label: `redis:8 in Docker ${info.stdout.trim()}` } : undefined
}

async function installPackage(say: (line: string) => void): Promise<RedisSource | undefined> {
  return (await installDebianRedis(say)) ? findServer() : undefined
}

function refuse(): never {
  throw new StartError(
    'No Redis can be had here. Install one (`apt install redis-server`, `brew install redis`), or start Docker, or set REDIS_URL to one that runs.',
  )
}
