import { z } from 'zod'

/** Longest URL of an endpoint. */
const maxUrlLength = 2_048

/** Where the end of a batch or summary is announced. Which addresses are allowed is decided when it is connected to. */
const webhookUrl = z
  .string()
  .max(maxUrlLength, `A URL has at most ${maxUrlLength.toLocaleString('en')} characters.`)
  .refine((text) => /^https?:\/\//i.test(text) && URL.canParse(text), 'Give a URL such as https://example.com/hooks.')
  .refine(
    (text) => !hasCredentials(text),
    'The URL has a user name or a password: leave them out; requests are signed instead.',
  )

function hasCredentials(text: string): boolean {
  const { username, password } = URL.parse(text) ?? { username: '', password: '' }
  return username !== '' || password !== ''
}

/** The option `webhook` of a batch or summary. */
export const webhookTarget = z.strictObject({ url: webhookUrl })
export type WebhookTarget = z.infer<typeof webhookTarget>

export const webhookEventType = z.enum([
  'batch.completed',
  'batch.failed',
  'batch.expired',
  'batch.cancelled',
  'summary.completed',
  'summary.failed',
  'summary.cancelled',
])
export type WebhookEventType = z.infer<typeof webhookEventType>

/** Of Standard Webhooks: 24 to 64 random bytes. */
const webhookSecret = z
  .string()
  .refine(
    isWebhookSecret,
    'must be `whsec_` and 24 to 64 bytes as base64; make one with: echo "whsec_$(openssl rand -base64 32)"',
  )

function isWebhookSecret(text: string): boolean {
  const [, base64] = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(text) ?? []
  if (base64 === undefined) return false
  const bytes = (base64.replace(/=+$/, '').length * 6) >> 3
  return bytes >= 24 && bytes <= 64
}

/** An endpoint in the configuration, written in code (camel case), never over HTTP. */
const webhookEndpointConfig = z.strictObject({
  /** Unique; shown with the endpoint. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'must be 1 to 64 letters, digits, `_` or `-`'),
  url: webhookUrl,
  /** The current one first. Requests are signed with each, so that a receiver may use the next one before the old one is removed. */
  secrets: z.array(webhookSecret).min(1, 'give at least one secret').max(4, 'give at most 4 secrets'),
  /** Default: all. */
  events: z.array(webhookEventType).min(1, 'give at least one event, or leave `events` out for all').optional(),
})

function areUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length
}

export const webhookConfig = z.strictObject({
  endpoints: z
    .array(webhookEndpointConfig)
    .max(100, 'give at most 100 endpoints')
    .refine((all) => areUnique(all.map(({ name }) => name)), 'two endpoints have one name')
    .refine((all) => areUnique(all.map(({ url }) => URL.parse(url)?.href ?? url)), 'two endpoints have one URL')
    .default([]),
  /** Sign the webhooks that batches and summaries ask for. Default: those of the first endpoint. Without any, that option is rejected. */
  secrets: z.array(webhookSecret).max(4, 'give at most 4 secrets').default([]),
  /** Hosts and networks, such as `hooks.internal` or `10.0.0.0/8`, that may be called although their addresses are not public. */
  allow: z.array(z.string().min(1)).max(100).default([]),
})
export type WebhookConfig = z.infer<typeof webhookConfig>
export type WebhookConfigInput = z.input<typeof webhookConfig>

/** OpenAI's shape of an event, which its SDKs read. */
const webhookEvent = z
  .object({
    object: z.literal('event'),
    id: z.string().describe('The same in every attempt, and at every endpoint: the header `webhook-id`.'),
    type: webhookEventType,
    created_at: z.int(),
    data: z.object({ id: z.string().describe('The batch or summary.') }),
  })
  .meta({ id: 'WebhookEvent' })
export type WebhookEvent = z.infer<typeof webhookEvent>

const deliveryStatus = z
  .enum(['pending', 'held', 'delivered', 'failed'])
  .describe('`held`: its endpoint is disabled; it continues when the endpoint is enabled.')
export type DeliveryStatus = z.infer<typeof deliveryStatus>

const time = z.number().nullable()

export const webhookDelivery = z
  .object({
    id: z.string(),
    object: z.literal('webhook.delivery'),
    status: deliveryStatus,
    event: webhookEvent,
    endpoint_id: z.string(),
    attempts: z.int(),
    last_attempt_at: time,
    last_status: z.int().nullable().describe('The HTTP status of the last attempt; null if there was no answer.'),
    last_error: z.string().nullable().describe('Why the last attempt failed; null when it succeeded.'),
    next_attempt_at: time,
    created_at: z.number(),
  })
  .meta({ id: 'WebhookDelivery' })
export type WebhookDelivery = z.infer<typeof webhookDelivery>

export const webhookDeliveryList = z
  .object({
    object: z.literal('list'),
    data: z.array(webhookDelivery),
    has_more: z.boolean(),
    next: z
      .string()
      .nullable()
      .describe(
        'Send it as `after` for the next page; null when there is none. With `status`, one request looks at 2,000 deliveries at most, so a page may have fewer than `limit` although there is a next one.',
      ),
  })
  .meta({ id: 'WebhookDeliveryList' })
export type WebhookDeliveryList = z.infer<typeof webhookDeliveryList>

export const listDeliveriesQuery = z.strictObject({
  after: z
    .string()
    .max(256)
    .optional()
    .describe('`next` of the page before, or the id of the last delivery that you have.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  status: deliveryStatus.optional(),
})
export type ListDeliveriesQuery = z.infer<typeof listDeliveriesQuery>

export const webhookEndpoint = z
  .object({
    id: z.string(),
    object: z.literal('webhook.endpoint'),
    url: z.string().describe('Without its query, which may have secrets.'),
    name: z.string().nullable().describe('As configured; null: it is the `webhook` of a batch or summary.'),
    events: z.array(webhookEventType),
    status: z.enum(['enabled', 'disabled']),
    reason: z.string().nullable().describe('Why it is disabled.'),
    disabled_at: time,
    last_success_at: time,
    last_failure_at: time,
    last_error: z.string().nullable(),
  })
  .meta({ id: 'WebhookEndpoint' })
export type WebhookEndpoint = z.infer<typeof webhookEndpoint>

export const webhookEndpointList = z
  .object({ object: z.literal('list'), data: z.array(webhookEndpoint), has_more: z.boolean() })
  .meta({ id: 'WebhookEndpointList' })

export const listEndpointsQuery = z.strictObject({
  after: z.string().max(256).optional().describe('The id of the last endpoint that you have.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})
