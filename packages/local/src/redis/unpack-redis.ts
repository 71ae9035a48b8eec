import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { run } from '../processes/run.ts'

/** A redis-server that needs no installation; `env` names the folder of its shared libraries. */
export interface UnpackedRedis {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
}

const downloadMs = 300_000

/**
 * Debian's and Ubuntu's package of Redis, with the libraries that this machine does not have, unpacked into `directory`. It needs no
 * root and changes nothing outside that folder. The next call finds it there. Undefined where there is no apt-get, or no network.
 */
export async function unpackRedis(directory: string, say: (line: string) => void): Promise<UnpackedRedis | undefined> {
  const root = resolve(directory, 'redis-package')
  const earlier = await usable(root)
  if (earlier !== undefined) return earlier
  if (!(await run('apt-get', ['--version'])).ok || !(await run('dpkg', ['--version'])).ok) return undefined

  say(
    `There is no Redis on the PATH, and no Docker. Downloading Debian's package into ${directory}, without installing it...`,
  )
  const work = resolve(directory, 'redis-download')
  await rm(work, { recursive: true, force: true })
  try {
    const problem = await downloadInto(work)
    if (problem !== undefined) {
      say(`That failed: ${problem}`)
      return undefined
    }
    await rm(root, { recursive: true, force: true })
    await rename(`${work}/root`, root)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return usable(root)
}

/** Unpacks the packages into `${work}/root`; resolves to what went wrong. */
async function downloadInto(work: string): Promise<string | undefined> {
  await mkdir(`${work}/lists/partial`, { recursive: true })
  await mkdir(`${work}/cache/archives/partial`, { recursive: true })
  await mkdir(`${work}/root`)
  // Package lists of our own: the system's may be missing or old, and only root may update them.
  const apt = (...args: string[]) =>
    run(
      'apt-get',
      [
        '-o',
        `Dir::State::Lists=${work}/lists`,
        '-o',
        `Dir::Cache=${work}/cache`,
        '-o',
        'Acquire::Languages=none',
        ...args,
      ],
      { timeoutMs: downloadMs, cwd: work },
    )
  const updated = await apt('update')
  if (!updated.ok) return lastLine(updated.stderr)
  const planned = await apt('--simulate', '--no-install-recommends', 'install', 'redis-server')
  if (!planned.ok) return lastLine(planned.stderr)
  const missing = [...planned.stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!)
  // The plan is empty when the package is installed, outside the PATH. The program itself is in redis-tools.
  const downloaded = await apt('download', ...new Set(['redis-server', 'redis-tools', ...missing]))
  if (!downloaded.ok) return lastLine(downloaded.stderr)
  for (const file of await readdir(work)) {
    if (!file.endsWith('.deb')) continue
    const unpacked = await run('dpkg', ['--extract', `${work}/${file}`, `${work}/root`])
    if (!unpacked.ok) return lastLine(unpacked.stderr)
  }
  return undefined
}

async function usable(root: string): Promise<UnpackedRedis | undefined> {
  const path = `${root}/usr/bin/redis-server`
  const libraries = (await foldersIn(`${root}/usr/lib`)).concat(await foldersIn(`${root}/lib`))
  const env = { LD_LIBRARY_PATH: libraries.join(':') }
  return (await run(path, ['--version'], { env })).ok ? { path, env } : undefined
}

async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
