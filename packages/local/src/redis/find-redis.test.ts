import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { findRedis } from './find-redis.ts'

/** A machine whose PATH has only these programs, given as shell scripts. */
async function machine(programs: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), 'sluice-path-'))
  onTestFinished(() => rm(path, { recursive: true }))
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('PATH', path)
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(path, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(path, name), 0o755)
  }
  const lines: string[] = []
  return { path, lines, find: (url?: string) => findRedis({ url, directory: path, say: (line) => lines.push(line) }) }
}

const redis = 'echo "Redis server v=8.2.3 sha=00000000:0"'

test('REDIS_URL comes first, then a server on the PATH, then Docker', async () => {
  const { find } = await machine({ 'valkey-server': redis, docker: 'echo 29.1.0' })
  expect(await find('redis://:secret@10.0.0.1:6379')).toMatchObject({
    type: 'url',
    label: expect.not.stringContaining('secret'),
  })
  expect(await find()).toMatchObject({ type: 'server', path: 'valkey-server', label: 'valkey-server 8.2.3' })
  const other = await machine({ docker: 'echo 29.1.0', brew: 'exit 1' })
  expect(await other.find()).toEqual({ type: 'docker', label: 'redis:8 in Docker 29.1.0' })
  expect(other.lines).toEqual([])
})

test('a server that is too old is passed over, and the user reads why', async () => {
  const { find, lines } = await machine({
    'redis-server': 'echo "Redis server v=6.0.16 sha=00000000:0"',
    docker: 'echo 29.1.0',
  })
  expect(await find()).toMatchObject({ type: 'docker' })
  expect(lines).toEqual(['redis-server 6.0.16 is too old: Sluice needs 7.0 or later. Looking for another one...'])
})

test('where only Homebrew is left, it installs Redis, and the user reads so first', async () => {
  const { find, lines } = await machine({
    brew: `[ "$1" = --version ] || { printf '#!/bin/sh\\n${redis}\\n' >"$PATH/redis-server"; /bin/chmod +x "$PATH/redis-server"; }`,
  })
  expect(await find()).toMatchObject({ type: 'server', label: 'redis-server 8.2.3' })
  expect(lines).toEqual([expect.stringContaining('brew install redis')])
})

test('an installation that fails is reported, and the error names every other way', async () => {
  const { find, lines } = await machine({ brew: '[ "$1" = --version ] || { echo "no network" >&2; exit 1; }' })
  await expect(find()).rejects.toThrow(/apt install redis-server.*brew install redis.*Docker.*REDIS_URL/)
  expect(lines.at(-1)).toBe('That failed: no network')
})
