import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import { checkConnections } from '@sluice/engine/redis/connection-limits'
import { preflight } from '@sluice/engine/redis/preflight'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const program = ['redis-server', 'valkey-server'].find((name) => {
  try {
    execFileSync(name, ['--version'])
    return true
  } catch {
    return false
  }
})

/** A Redis with settings of its own. */
async function redisWith(settings: string[]) {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'sluice-preflight-'))
  const child = spawn(program!, ['--port', String(port), '--dir', directory, ...settings], { stdio: 'ignore' })
  await sleep(300)
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await exited
      await rm(directory, { recursive: true })
    },
  }
}

describe('the preflight', () => {
  test('finds nothing wrong with the Redis the tests run on', async () => {
    expect(await preflight(inject('redisUrl'))).toEqual([])
  })

  test('says in one line that nothing answers, and does not show the password', async () => {
    const port = await freePort()
    const [finding] = await preflight(`redis://:secret@127.0.0.1:${port}`)
    expect(finding).toMatchObject({
      severity: 'fatal',
      message: `No Redis answers at 127.0.0.1:${port}: start one there, or set REDIS_URL.`,
    })
  })

  test('refuses a Redis that is too old, and says which version is needed', async () => {
    const { hostname, port } = new URL(inject('redisUrl'))
    // The real server, which reports the version of an older one.
    const older = createServer((client) => {
      const server = connect(Number(port), hostname)
      client.pipe(server)
      server.on('data', (data) => {
        const text = data.toString('latin1')
        client.write(
          text.replace(
            /(redis_version:)([\d.]+)/,
            (_, name: string, version: string) => name + '6.2'.padEnd(version.length),
          ),
          'latin1',
        )
      })
      client.on('error', () => {}).on('close', () => server.destroy())
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => older.once('listening', resolve))
    const [finding] = await preflight(`redis://127.0.0.1:${(older.address() as AddressInfo).port}`)
    expect(finding?.severity).toBe('fatal')
    expect(finding?.message).toMatch(/^Redis 6\.2 *is too old: use Redis 7\.0 or later/)
    older.close()
  })

  test('does not hang on something that never answers', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const began = Date.now()
    const [finding] = await preflight(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, { timeoutMs: 300 })
    expect(finding?.severity).toBe('fatal')
    expect(Date.now() - began).toBeLessThan(3_000)
    silent.close()
  })

  test.skipIf(program === undefined)(
    'refuses one that evicts, and warns of one that may lose what was accepted',
    async () => {
      await using evicting = await redisWith([
        '--maxmemory-policy',
        'allkeys-lru',
        '--appendonly',
        'yes',
        '--appendfsync',
        'everysec',
      ])
      const findings = await preflight(evicting.url)
      expect(findings.map((one) => one.severity)).toEqual(['fatal', 'weak'])
      expect(findings[0]?.message).toContain("set 'maxmemory-policy noeviction'")
      expect(findings[1]?.message).toContain("Set 'appendfsync always'")
      await using forgetful = await redisWith(['--appendonly', 'no', '--save', ''])
      expect((await preflight(forgetful.url))[0]).toMatchObject({
        severity: 'weak',
        message: expect.stringContaining("Set 'appendonly yes'"),
      })
    },
  )

  test.skipIf(program === undefined)('asks for the password', async () => {
    await using locked = await redisWith(['--requirepass', 'pw', '--appendonly', 'yes', '--appendfsync', 'always'])
    expect((await preflight(locked.url))[0]?.message).toContain('refuses the password')
    expect(await preflight(locked.url.replace('//', '//:pw@'))).toEqual([])
  })
})

test.runIf(program)(
  'more lanes than Redis has connections for are refused at the start, with the number and the fix',
  async () => {
    await using redis = await redisWith(['--maxclients', '60'])
    expect(await checkConnections(redis.url, { lanes: 40 })).toBeNull()
    expect(await checkConnections(redis.url, { lanes: 60 })).toMatch(
      /^This worker needs 67 connections to Redis: one for each of its 60 lanes, and 7 more\. Redis has 5\d left: raise its maxclients/,
    )
    expect(await checkConnections(redis.url, { lanes: 10_000_000 })).toMatch(/raise that limit \(ulimit -n/)
  },
)
