import { webhookEventType, type WebhookEventType, type WebhookConfig } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { digest, keptMs } from './delivery-store.ts'

/** A removed endpoint of a batch outlives its deliveries, which name it. */
const targetKeptMs = keptMs + 86_400_000
const sweptAtOnce = 500

/** Where events are sent. Times are unix ms. */
export interface Endpoint {
  readonly id: string
  readonly url: string
  readonly secrets: readonly string[]
  readonly events: readonly WebhookEventType[]
  /** Null: it is the `webhook` of a batch or summary. */
  readonly name: string | null
  readonly disabledAt: number | null
  readonly reason: string | null
  readonly lastSuccessAt: number | null
  readonly lastFailureAt: number | null
  readonly lastError: string | null
}

export interface Endpoints {
  /** The ids of all that get an event of this type: those of the configuration, and `url`. */
  subscribed(type: WebhookEventType, url: string | null): Promise<string[]>
  /** Null: there is none, or the configuration has it no more. */
  find(id: string): Promise<Endpoint | null>
  /** By id. */
  list(after: string | undefined, limit: number): Promise<{ endpoints: Endpoint[]; hasMore: boolean }>
  succeeded(id: string): Promise<void>
  failed(id: string, error: string): Promise<void>
  disable(id: string, reason: string): Promise<void>
  enable(id: string): Promise<void>
  /** Forgets the webhooks of batches and summaries that got no event for a month. */
  sweep(): Promise<void>
}

export interface EndpointsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly settings: WebhookConfig
}

/** Derived from the URL, which may have secrets and is in no id, log or job. */
function endpointId(url: string): string {
  return `whe_${digest(new URL(url).href)}`
}

export function createEndpoints({ redis, keys, settings }: EndpointsDependencies): Endpoints {
  const { targets, endpoint: stateOf } = keys.webhooks
  const configured = new Map(settings.endpoints.map((endpoint) => [endpointId(endpoint.url), endpoint]))

  async function find(id: string): Promise<Endpoint | null> {
    if (!id.startsWith('whe_')) return null
    const own = configured.get(id)
    const fields = await redis.hgetall(stateOf(id))
    const url = own?.url ?? fields['url']
    if (url === undefined) return null
    const time = (name: string) => (fields[name] === undefined ? null : Number(fields[name]))
    return {
      id,
      url,
      secrets: own?.secrets ?? settings.secrets,
      events: own === undefined ? webhookEventType.options : (own.events ?? webhookEventType.options),
      name: own?.name ?? null,
      disabledAt: time('disabled_at'),
      reason: fields['reason'] ?? null,
      lastSuccessAt: time('last_success_at'),
      lastFailureAt: time('last_failure_at'),
      lastError: fields['last_error'] ?? null,
    }
  }

  return {
    find,

    async subscribed(type, url) {
      const ids = new Set([...configured].filter(([, { events }]) => events?.includes(type) ?? true).map(([id]) => id))
      if (url !== null) {
        const id = endpointId(url)
        ids.add(id)
        await redis.multi().hset(stateOf(id), { url }).zadd(targets, Date.now(), id).exec()
      }
      return [...ids]
    },

    async list(after, limit) {
      // By time of use they would move between two pages.
      const ids = new Set([...configured.keys(), ...(await redis.zrange(targets, '0', '-1'))])
      const rest = [...ids].filter((id) => after === undefined || id > after).sort()
      const found = await Promise.all(rest.slice(0, limit).map((id) => find(id)))
      return { endpoints: found.filter((one) => one !== null), hasMore: rest.length > limit }
    },

    async succeeded(id) {
      await redis.hset(stateOf(id), { last_success_at: Date.now() })
    },

    async failed(id, error) {
      await redis.hset(stateOf(id), { last_failure_at: Date.now(), last_error: error })
    },

    async disable(id, reason) {
      await redis.hset(stateOf(id), { disabled_at: Date.now(), reason })
    },

    async enable(id) {
      await redis.hdel(stateOf(id), 'disabled_at', 'reason')
    },

    async sweep() {
      const before = Date.now() - targetKeptMs
      for (const id of await redis.zrangebyscore(targets, '-inf', before, 'LIMIT', 0, sweptAtOnce)) {
        // One that is in the configuration by now keeps its state.
        if (!configured.has(id)) await redis.del(stateOf(id))
        await redis.zrem(targets, id)
      }
    },
  }
}
