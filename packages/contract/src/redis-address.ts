/** Where Redis is: one server, a primary that sentinels know, or a cluster. */
export type RedisAddress = {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: boolean
} & (
  | { readonly type: 'single'; readonly url: string }
  | { readonly type: 'sentinel'; readonly nodes: readonly Node[]; readonly primary: string; readonly db: number }
  | { readonly type: 'cluster'; readonly nodes: readonly Node[] }
)

interface Node {
  readonly host: string
  readonly port: number
}

const pattern =
  /^(?<scheme>rediss?(?:-(?:sentinel|cluster))?):\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/#?@]+)(?:\/(?<db>\d+)?)?(?:#(?<primary>.+))?$/

/**
 * Reads `redis://host:6379/0` (`rediss:` with TLS), `redis-sentinel://:password@host:26379,host:26379/0#primary`, or
 * `redis-cluster://:password@host:7000,host:7001`: the forms that Lettuce made common for the latter two. Null for anything else.
 */
export function parseRedisAddress(url: string): RedisAddress | null {
  const found = pattern.exec(url)?.groups
  if (found === undefined) return null
  const { scheme = '', user = '', password, hosts = '', db = '0', primary } = found
  const kind = scheme.split('-')[1]
  const credentials = {
    username: user === '' ? undefined : decodeURIComponent(user),
    password: password === undefined ? undefined : decodeURIComponent(password),
    tls: scheme.startsWith('rediss'),
  }
  if (kind === undefined) return URL.canParse(url) ? { type: 'single', url, ...credentials } : null
  const nodes = hosts.split(',').map((host) => toNode(host, kind === 'sentinel' ? 26_379 : 6_379))
  if (nodes.some((node) => node === null)) return null
  const all = nodes as Node[]
  if (kind === 'cluster') return primary === undefined ? { type: 'cluster', nodes: all, ...credentials } : null
  return primary === undefined ? null : { type: 'sentinel', nodes: all, primary, db: Number(db), ...credentials }
}

function toNode(text: string, defaultPort: number): Node | null {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  if (host === undefined) return null
  return { host: host.replaceAll(/[[\]]/g, ''), port: port === undefined ? defaultPort : Number(port) }
}

/** An address as it may be shown: without its password. */
export function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@')
}
