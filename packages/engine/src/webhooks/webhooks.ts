import { createHash } from 'node:crypto'
import { notFound } from '@sluice/contract/error'
import type { WebhookConfig, WebhookDelivery, WebhookEvent } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import pLimit from 'p-limit'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import { repeat, type Repeating } from '../repeat.ts'
import type { SendWebhook } from './send.ts'

/** How often due deliveries are looked for. */
const lookMs = 1_000
const sentAtOnce = 10
/** A delivery whose process died is taken by another one after this: longer than an attempt. */
const leaseMs = 30_000
/** After the first attempts, each wait is twice the one before, up to this. */
const firstWaitMs = 5_000
const longestWaitMs = 8 * 3_600_000
/** No attempt is made later than this after the event; an endpoint that only failed for as long is disabled. */
const patienceMs = 72 * 3_600_000
const keptMs = 7 * 86_400_000
const shownAttempts = 20
/** The endpoint of batches that give a URL. Each URL is judged by itself. */
const batchEndpoint = 'batch'

const scripts = {
  announce: loadScript(new URL('announce.lua', import.meta.url)),
  claim: loadScript(new URL('claim.lua', import.meta.url)),
  noteAttempt: loadScript(new URL('note-attempt.lua', import.meta.url)),
}

/** Something that has ended, as receivers learn of it. */
interface Occurrence {
  readonly event: WebhookEvent
  /** The id of the batch or summary. */
  readonly subject: string
  /** Distinguishes the ends of a batch that was retried. */
  readonly round: number
  /** Unix ms. */
  readonly at: number
  /** The URL that its user gave; null: none. */
  readonly url: string | null
}

type Stored = Omit<WebhookDelivery, 'object' | 'next_attempt_at'> & { readonly body: string }

/** The reading side, for the API. */
export interface Webhooks {
  /** Newest first. */
  list(page: { readonly after?: string | undefined; readonly limit: number }): Promise<{
    readonly data: readonly WebhookDelivery[]
    readonly has_more: boolean
  }>
  /** Sends to an endpoint again that was disabled, also what waited meanwhile. Throws `endpoint_not_found`. */
  enable(name: string): Promise<void>
}

export function createWebhooks({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): Webhooks {
  const k = keys.webhooks
  return {
    async list({ after, limit }) {
      const rank = after === undefined ? -1 : await redis.zrevrank(k.all, after)
      const from = (rank ?? -1) + 1
      const ids = await redis.zrevrange(k.all, from, from + limit)
      const shown = ids.slice(0, limit)
      if (shown.length === 0) return { data: [], has_more: false }
      const [stored, disabled] = await Promise.all([redis.hmget(k.deliveries, ...shown), redis.hgetall(k.disabled)])
      const times = await Promise.all(shown.map((id) => redis.zscore(k.due, id)))
      const data = stored.flatMap((json, i) =>
        json === null ? [] : [toView(JSON.parse(json) as Stored, times[i] ?? null, disabled)],
      )
      return { data, has_more: ids.length > limit }
    },

    async enable(name) {
      const wasDisabled = await redis.hdel(k.disabled, name)
      await redis.hdel(k.failing, name)
      if (wasDisabled === 0) throw notFound('endpoint', name)
      for await (const page of redis.hscanStream(k.deliveries, { count: 200 })) {
        const pairs = page as string[]
        for (let i = 0; i < pairs.length; i += 2) {
          const delivery = JSON.parse(pairs[i + 1] ?? '{}') as Stored
          if (delivery.status === 'pending' && judgedAs(delivery) === name)
            await redis.zadd(k.due, Date.now(), delivery.id)
        }
      }
    },
  }
}

export type Announce = (occurrence: Occurrence) => Promise<void>

export interface WebhookSenderDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly config: WebhookConfig
  readonly sender: SendWebhook
  readonly onError: (error: Error) => void
}

/** Stores the deliveries of an event: one for each endpoint that wants it. Safe to repeat: an event has one delivery for each. */
export function createAnnounce({
  redis,
  keys,
  config,
}: Pick<WebhookSenderDependencies, 'redis' | 'keys' | 'config'>): Announce {
  return async ({ event, subject, round, at, url }) => {
    const wanted = config.endpoints.filter(({ events }) => events === undefined || events.includes(event))
    const targets = [
      ...wanted.map((endpoint) => ({ endpoint: endpoint.name, url: endpoint.url })),
      ...(url === null ? [] : [{ endpoint: batchEndpoint, url }]),
    ]
    for (const target of targets) {
      const id = eventId(subject, round, target)
      const createdAt = Math.floor(at / 1_000)
      const body = JSON.stringify({ object: 'event', id, type: event, created_at: createdAt, data: { id: subject } })
      const stored: Stored = {
        id,
        ...target,
        event,
        subject,
        status: 'pending',
        reason: null,
        attempts: [],
        attempt_count: 0,
        created_at: at / 1_000,
        body,
      }
      const args = { id, json: JSON.stringify(stored), now: Date.now(), endpoint: judgedAs(stored) }
      await scripts.announce(redis, keys.webhooks, args)
    }
  }
}

/** Sends what is due, until it is stopped. Every worker process does; each delivery is taken by one of them at a time. */
export function startDelivering(dependencies: WebhookSenderDependencies): Repeating {
  const { redis, keys, config, sender, onError } = dependencies
  const k = keys.webhooks
  const sending = pLimit(sentAtOnce)

  async function deliverDue(): Promise<void> {
    const now = Date.now()
    const ids = (await scripts.claim(redis, k, { now, leaseEnd: now + leaseMs, most: 2 * sentAtOnce })) as string[]
    await Promise.all(ids.map((id) => sending(() => deliver(id))))
    await forgetOld()
  }

  async function deliver(id: string): Promise<void> {
    const json = await redis.hget(k.deliveries, id)
    if (json === null) return void (await redis.zrem(k.due, id))
    const delivery = JSON.parse(json) as Stored
    const endpoint = config.endpoints.find(({ name }) => name === delivery.endpoint)
    const secrets = delivery.endpoint === batchEndpoint ? config.secrets : (endpoint?.secrets ?? [])
    if (secrets.length === 0) return end(delivery, `There is no endpoint '${delivery.endpoint}' any more.`)
    const disabled = await redis.hget(k.disabled, judgedAs(delivery))
    // Its endpoint's `enable` makes it due again.
    if (disabled !== null) return void (await redis.zrem(k.due, id))
    const url = endpoint?.url ?? delivery.url
    const { delivered, status, error } = await sender.send({ id, url, body: delivery.body, secrets })
    const now = Date.now()
    const count = delivery.attempt_count + 1
    const next = now + waitMs(count)
    const isLast = !delivered && next - delivery.created_at * 1_000 > patienceMs
    const noted: Stored = {
      ...delivery,
      url,
      status: delivered ? 'delivered' : isLast ? 'failed' : 'pending',
      reason: isLast ? 'It was not accepted within 72 hours.' : null,
      attempts: [...delivery.attempts, { at: now / 1_000, status, error }].slice(-shownAttempts),
      attempt_count: count,
    }
    await scripts.noteAttempt(redis, k, {
      id,
      json: JSON.stringify(noted),
      nextAt: noted.status === 'pending' ? next : '',
      endpoint: judgedAs(delivery),
      delivered: delivered ? 1 : 0,
      now,
      patience: patienceMs,
      reason: `Every attempt of 72 hours failed, the last one: ${error ?? ''}`,
    })
  }

  async function end(delivery: Stored, reason: string): Promise<void> {
    await redis.hset(k.deliveries, delivery.id, JSON.stringify({ ...delivery, status: 'failed', reason }))
    await redis.zrem(k.due, delivery.id)
  }

  async function forgetOld(): Promise<void> {
    const old = await redis.zrangebyscore(k.all, '-inf', Date.now() - keptMs, 'LIMIT', 0, 100)
    if (old.length > 0)
      await redis
        .multi()
        .hdel(k.deliveries, ...old)
        .zrem(k.due, ...old)
        .zrem(k.all, ...old)
        .exec()
  }

  return repeat(deliverDue, { everyMs: lookMs, first: 'at-once', onError })
}

/** 5 s, 10 s, 20 s, ... up to 8 hours, give or take a fifth: receivers that were away do not get everything at once. */
function waitMs(attempts: number): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (attempts - 1)) * (0.8 + 0.4 * Math.random())
}

/** The same for the same end, so that announcing it twice adds nothing. */
function eventId(subject: string, round: number, { endpoint, url }: { endpoint: string; url: string }): string {
  const target = endpoint === batchEndpoint ? url : endpoint
  return `evt_${createHash('sha256').update(`${subject} ${round} ${endpoint} ${target}`).digest('hex').slice(0, 32)}`
}

/** What is disabled after long failure: an endpoint, or one URL that batches give. */
function judgedAs({ endpoint, url }: Pick<Stored, 'endpoint' | 'url'>): string {
  return endpoint === batchEndpoint ? url : endpoint
}

function toView(
  { body: _body, ...stored }: Stored,
  dueAt: string | null,
  disabled: Readonly<Record<string, string>>,
): WebhookDelivery {
  const reason = disabled[judgedAs(stored)]
  const isDisabled = stored.status === 'pending' && reason !== undefined
  return {
    ...stored,
    object: 'webhook.delivery',
    ...(isDisabled ? { status: 'disabled', reason } : {}),
    next_attempt_at: stored.status === 'pending' && dueAt !== null ? Number(dueAt) / 1_000 : null,
  }
}
