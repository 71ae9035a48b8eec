import { z } from 'zod'

const webhookEvent = z.enum([
  'batch.completed',
  'batch.failed',
  'batch.expired',
  'batch.cancelled',
  'summary.completed',
  'summary.failed',
  'summary.cancelled',
])
export type WebhookEvent = z.infer<typeof webhookEvent>

export const webhookUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://example.com/hook' })
  .max(2_048)

/** As the `standardwebhooks` package takes it: `whsec_` and base64, or base64 alone. */
const secret = z
  .string()
  .regex(
    /^(whsec_)?[A-Za-z0-9+/]{32,}={0,2}$/,
    'must be whsec_ and at least 24 bytes in base64: echo "whsec_$(openssl rand -base64 32)"',
  )

/** Where a webhook is sent, written in code (camel case), never over HTTP. */
const webhookEndpoint = z.strictObject({
  /** Unique; shown with each delivery. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
  url: webhookUrl,
  /** Every delivery is signed with each of them. To rotate: add the new one, change the receiver, remove the old one. */
  secrets: z.array(secret).min(1).max(4),
  /** Default: all. */
  events: z.array(webhookEvent).min(1).optional(),
})

export const webhookConfig = z.strictObject({
  endpoints: z.array(webhookEndpoint).max(50).default([]),
  /** Sign the webhooks that batches ask for with `webhook`. Without them, that option is rejected. */
  secrets: z.array(secret).max(4).default([]),
  /** Hosts and networks, such as `hooks.internal` or `10.0.0.0/8`, that may be called although their addresses are not public. */
  allow: z.array(z.string().min(1)).max(100).default([]),
})
export type WebhookConfig = z.infer<typeof webhookConfig>
export type WebhookConfigInput = z.input<typeof webhookConfig>

const attempt = z.object({
  at: z.number().describe('Unix seconds.'),
  status: z.int().nullable().describe('The HTTP status; null when none came.'),
  error: z.string().nullable(),
})

const webhookDelivery = z
  .object({
    id: z.string().describe('The header `webhook-id`, the same for each attempt.'),
    object: z.literal('webhook.delivery'),
    endpoint: z.string().describe('The name of a configured endpoint, or `batch` for the URL that a batch gave.'),
    url: z.string(),
    event: webhookEvent,
    subject: z.string().describe('The batch or summary.'),
    status: z.enum(['pending', 'delivered', 'failed', 'disabled']),
    reason: z.string().nullable().describe('Why it is not tried any more.'),
    attempts: z.array(attempt).describe('The last 20.'),
    attempt_count: z.int(),
    next_attempt_at: z.number().nullable(),
    created_at: z.number(),
  })
  .meta({ id: 'WebhookDelivery' })
export type WebhookDelivery = z.infer<typeof webhookDelivery>

export const webhookDeliveryList = z
  .object({ object: z.literal('list'), data: z.array(webhookDelivery), has_more: z.boolean() })
  .meta({ id: 'WebhookDeliveryList' })

export const listDeliveriesQuery = z.strictObject({
  after: z.string().max(256).optional().describe('The id of the last delivery that you have.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

export const enabledEndpoint = z
  .object({ object: z.literal('webhook.endpoint'), name: z.string(), enabled: z.literal(true) })
  .meta({ id: 'EnabledWebhookEndpoint' })
