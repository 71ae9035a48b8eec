import { withoutPassword } from '@sluice/contract/redis-address'
import { run } from '../processes/run.ts'
import { StartError } from '../start-error.ts'
import { unpackRedis } from './unpack-redis.ts'

/** Where Redis comes from: a server that is already running, or one to start. */
export type RedisSource = { readonly type: 'url'; readonly url: string; readonly label: string } | LocalRedis

export type LocalRedis =
  | {
      readonly type: 'server'
      readonly path: string
      /** Variables that the program needs besides the usual ones. */
      readonly env: Readonly<Record<string, string>>
      readonly label: string
    }
  | { readonly type: 'docker'; readonly label: string }

const dockerAnswerMs = 5_000
const homebrewMs = 600_000

interface Search {
  /** Where a downloaded package is unpacked. */
  readonly directory: string
  /** Receives a line before anything is downloaded. */
  readonly say: (line: string) => void
}

/** The Redis of the given URL, or without one the first that this machine offers. Throws a StartError that names all the ways. */
export async function findRedis({
  url,
  ...search
}: Search & { readonly url: string | undefined }): Promise<RedisSource> {
  if (url === undefined) return findLocalRedis(search)
  return { type: 'url', url, label: `the Redis of REDIS_URL (${withoutPassword(url)})` }
}

/** In this order: `redis-server` or `valkey-server` on the PATH, Docker, Debian's package, Homebrew. */
export async function findLocalRedis({ directory, say }: Search): Promise<LocalRedis> {
  const source =
    (await findServer(say)) ??
    (await findDocker()) ??
    (await findUnpacked(directory, say)) ??
    (await installByHomebrew(say))
  if (source !== undefined) return source
  throw new StartError(
    'There is no Redis here. Install one (`apt install redis-server`, `brew install redis`), start Docker, or set REDIS_URL to a server that is running.',
  )
}

/** As the preflight requires it (`packages/engine/src/redis/preflight.ts`). */
const oldestMajor = 7

async function findServer(say: (line: string) => void): Promise<LocalRedis | undefined> {
  for (const path of ['redis-server', 'valkey-server']) {
    const { ok, stdout } = await run(path, ['--version'])
    if (ok && isNewEnough(path, stdout, say)) return { type: 'server', path, env: {}, label: label(path, stdout) }
  }
  return undefined
}

function isNewEnough(program: string, versionLine: string, say: (line: string) => void): boolean {
  const major = Number(/v=(\d+)/.exec(versionLine)?.[1] ?? oldestMajor)
  if (major >= oldestMajor) return true
  say(`${label(program, versionLine)} is too old: Sluice needs ${oldestMajor}.0 or later. Looking for another one...`)
  return false
}

async function findDocker(): Promise<LocalRedis | undefined> {
  const info = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: dockerAnswerMs })
  return info.ok ? { type: 'docker', label: `redis:8 in Docker ${info.stdout.trim()}` } : undefined
}

async function findUnpacked(directory: string, say: (line: string) => void): Promise<LocalRedis | undefined> {
  const unpacked = await unpackRedis(directory, say)
  if (unpacked === undefined) return undefined
  const { stdout } = await run(unpacked.path, ['--version'], { env: unpacked.env })
  const name = "Debian's redis-server"
  return isNewEnough(name, stdout, say) ? { type: 'server', ...unpacked, label: label(name, stdout) } : undefined
}

/** For macOS. Homebrew needs no root, and does not start the server by itself. */
async function installByHomebrew(say: (line: string) => void): Promise<LocalRedis | undefined> {
  if (!(await run('brew', ['--version'])).ok) return undefined
  say('There is no Redis on the PATH, and no Docker. Installing it: brew install redis...')
  const installed = await run('brew', ['install', '--quiet', 'redis'], { timeoutMs: homebrewMs })
  if (!installed.ok) {
    say(`That failed: ${installed.stderr.trim().split('\n').at(-1) ?? ''}`)
    return undefined
  }
  return findServer(say)
}

function label(program: string, versionLine: string): string {
  return `${program} ${/v=([\d.]+)/.exec(versionLine)?.[1] ?? ''}`.trim()
}
