import { parseRedisAddress } from '@sluice/contract/redis-address'
import type { Redis } from 'ioredis'
import { createRedis, primaries } from './connect.ts'
import { formatProblem } from './format.ts'
import { createKeys } from './keys.ts'

/**
 * A problem of a Redis, and the fix. `fatal`: nothing can run on it. `weak`: a crash may lose accepted work, so it is rejected unless
 * the user has allowed it. `warning`: it cannot be checked.
 */
export interface Finding {
  readonly severity: 'fatal' | 'weak' | 'warning'
  readonly message: string
}

/** Whether a process may start despite the problem. */
export function isAccepted(
  { severity }: Finding,
  { allowWeakDurability }: { readonly allowWeakDurability: boolean },
): boolean {
  return severity === 'warning' || (severity === 'weak' && allowWeakDurability)
}

/** The message for a problem that stops the process; null if it may start. */
export function rejection(finding: Finding, settings: { readonly allowWeakDurability: boolean }): string | null {
  if (isAccepted(finding, settings)) return null
  if (finding.severity === 'fatal') return finding.message
  return `${finding.message} Or set SLUICE_ALLOW_WEAK_DURABILITY=true to accept that risk.`
}

/** For scripts that run when the memory is full, sharded channels, and SET with both NX and GET. */
const oldestMajor = 7

/**
 * Checks a Redis before anything runs on it. Never hangs: BullMQ would, without a message, on a Redis in protected mode.
 * `now` in the messages is what was found; the fix is a line of redis.conf.
 */
export async function preflight(
  url: string,
  { timeoutMs = 5_000, prefix }: { timeoutMs?: number; prefix?: string } = {},
): Promise<Finding[]> {
  const redis = createRedis(url, {
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let lastError: Error | undefined
  redis.on('error', (error: Error) => {
    lastError = error
  })
  try {
    await redis.connect()
    const newer = prefix === undefined ? null : await formatProblem(redis, createKeys(prefix))
    if (newer !== null) return [{ severity: 'fatal', message: newer }]
    return [...(await examineAll(redis)), ...aboutFailover(url)]
  } catch (error) {
    return [{ severity: 'fatal', message: explain(lastError ?? (error as Error), url) }]
  } finally {
    redis.disconnect()
  }
}

/** Each server that holds data, as each may be set up in its own way. What is found in a cluster names its node. */
async function examineAll(redis: Redis): Promise<Finding[]> {
  const nodes = primaries(redis)
  const [first] = nodes
  if (first === undefined) throw new Error('the cluster has no primary')
  if (first === redis) return examine(redis)
  const found = await Promise.all(
    nodes.map(async (node) => {
      const name = `${node.options.host}:${node.options.port}`
      const findings = await examine(node).catch((error: Error): Finding[] => [
        { severity: 'fatal', message: explain(error, name) },
      ])
      return findings.map(({ severity, message }) => ({ severity, message: `Node ${name}: ${message}` }))
    }),
  )
  return found.flat()
}

function aboutFailover(url: string): Finding[] {
  const type = parseRedisAddress(url)?.type
  if (type !== 'sentinel' && type !== 'cluster') return []
  return [
    {
      severity: 'warning',
      message:
        'Redis replicates asynchronously: when a replica takes over, the last writes that were answered may be lost, and calls paid again.',
    },
  ]
}

async function examine(redis: Redis): Promise<Finding[]> {
  const info = parseInfo(await redis.info())
  const findings: Finding[] = []
  const version = (info.get('redis_version') ?? info.get('valkey_version') ?? '0').trim()
  if (Number.parseInt(version, 10) < oldestMajor) {
    findings.push({
      severity: 'fatal',
      message: `Redis ${version} is too old: use Redis 7.0 or later (7.2 or later recommended), or Valkey.`,
    })
  }
  if (info.get('loading') === '1') {
    findings.push({ severity: 'fatal', message: 'Redis is still loading its data: start again when it is done.' })
  }
  if (info.get('role') === 'slave') {
    findings.push({
      severity: 'fatal',
      message: 'This Redis is a replica and takes no writes: set REDIS_URL to the primary.',
    })
  }
  const policy = info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    findings.push({
      severity: 'fatal',
      message: `Redis may evict keys (maxmemory-policy is ${policy}), and with them items and results: set 'maxmemory-policy noeviction'.`,
    })
  }
  if (info.get('aof_enabled') !== '1') {
    findings.push({
      severity: 'weak',
      message:
        "Redis keeps no append-only file: what was accepted is lost when it dies. Set 'appendonly yes' and 'appendfsync always'.",
    })
  } else {
    // Managed Redis often forbids CONFIG; then the setting is unknown.
    const fsync = await redis.config('GET', 'appendfsync').then(
      (reply) => reply[1],
      () => undefined,
    )
    if (fsync === undefined) {
      findings.push({
        severity: 'warning',
        message: "Redis does not show its appendfsync (CONFIG is forbidden): make sure that it is 'always'.",
      })
    } else if (fsync !== 'always') {
      findings.push({
        severity: 'weak',
        message: `Redis writes its append-only file '${fsync}': up to a second of accepted work may be lost when it dies. Set 'appendfsync always'.`,
      })
    }
  }
  return findings
}

function parseInfo(text: string): Map<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]]
    }),
  )
}

function explain(error: Error & { code?: string }, url: string): string {
  // Host and port only: scheme and credentials do not help the reader.
  const where = url.replace(/^[^/]*\/\/(?:[^@/]*@)?/, '')
  if (/DENIED/.test(error.message)) {
    return `Redis at ${where} is in protected mode and rejects this client: set a password ('requirepass') or 'protected-mode no' on a private network.`
  }
  if (/NOAUTH|WRONGPASS|invalid password/i.test(error.message))
    return `Redis at ${where} refuses the password: set it in REDIS_URL (redis://:password@host:6379).`
  if (/LOADING/.test(error.message)) return `Redis at ${where} is still loading its data: start again when it is done.`
  if (error.code === 'ECONNREFUSED') return `No Redis answers at ${where}: start one there, or set REDIS_URL.`
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return `The host of Redis at ${where} is not known: see REDIS_URL.`
  return `Redis at ${where} does not answer (${error.message}): see REDIS_URL, firewall and TLS.`
}
