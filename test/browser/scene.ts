/** Work of many kinds for the page to show, made through the public API and the simulator. Nothing of it is made up by the page. */
export interface Scene {
  readonly running: string
  readonly failed: string
  readonly summary: string
}

const names = [
  'Karen Holt',
  'Peter Lindqvist',
  'Sofia Marin',
  'Anna Kowalski',
  'Jonas Weber',
  'Mai Tanaka',
  'Olga Petrova',
]
const products = ['Bosch cordless drill', 'Lenovo tablet', 'Kettler bike', 'Philips toaster', 'Garmin watch']
const complaints = [
  'The delivery still has not arrived. I need it urgently.',
  'It arrived broken and I want a refund.',
  'Great service, thank you!',
  'I was charged twice for it. Please correct the billing.',
]

export function tickets(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    id: `T-${10_000 + i}`,
    text: `Hello, my name is ${names[i % names.length]}. ${complaints[i % complaints.length]} Order A-${48_000 + i}, the ${products[i % products.length]}, $${20 + (i % 90)}.90. Case ${i}.`,
    metadata: { channel: ['mail', 'chat', 'form'][i % 3] },
  }))
}

const ticketSchema = {
  type: 'object',
  properties: {
    customer: { type: ['string', 'null'], description: 'Name of the person who writes.' },
    order_number: { type: ['string', 'null'], description: 'Order number, such as A-48213.' },
    amount: { type: ['number', 'null'], description: 'Amount of money that is mentioned.' },
    category: { enum: ['delivery', 'billing', 'refund', 'defect', 'question', 'praise'] },
    urgency: { enum: ['low', 'normal', 'high'], description: 'How soon someone has to act.' },
  },
  required: ['customer', 'order_number', 'amount', 'category', 'urgency'],
  additionalProperties: false,
}

export async function post<T = { id: string }>(url: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as T
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${JSON.stringify(answer)}`)
  return answer
}

export async function buildScene(url: string, simulatorUrl: string): Promise<Scene> {
  const instructions = 'Extract what a support desk needs to sort this message.'
  const { amount: _, ...earlier } = ticketSchema.properties
  await post(url, '/v1/extractors', {
    name: 'support-ticket',
    instructions,
    schema: { ...ticketSchema, properties: earlier, required: Object.keys(earlier) },
  })
  await post(url, '/v1/extractors', {
    name: 'support-ticket',
    instructions: `${instructions} Use null for what it does not say.`,
    schema: ticketSchema,
  })
  await post(simulatorUrl, '/_simulator/faults', {
    script: [
      { match: 'Case 7', fault: 'refusal', times: 14 },
      { match: 'Case 12', fault: 'schema_violation', times: 27 },
      { match: 'Case 15', fault: 'content_filter', times: 6 },
      { match: 'Case 18', fault: 'truncation', times: 6 },
    ],
  })
  await post(simulatorUrl, '/_simulator/latency', { p50_ms: 20, spread: 0.3 })
  const done = { extractor: 'support-ticket', items: tickets(240), metadata: { team: 'support', month: 'October' } }
  const failed = (await post(url, '/v1/batches', { ...done, name: 'tickets-october.csv', max_cost_usd: 5 })).id
  await ended(url, failed)
  await ended(url, (await post(url, '/v1/batches', { ...done, items: tickets(60), name: 'praise.jsonl' })).id)
  await post(simulatorUrl, '/_simulator/faults', { script: [] })
  const text = Array.from(
    { length: 240 },
    (__, i) => `On day ${i} the desk answered ${40 + (i % 30)} messages, most of them about late deliveries.`,
  ).join(' ')
  const summary = (await post(url, '/v1/summaries', { text, chunk_tokens: 600, reduce_tokens: 900 })).id
  await fetch(`${url}/v1/summaries/${summary}?wait_s=60`)
  await post(simulatorUrl, '/_simulator/latency', { p50_ms: 900, spread: 0.3 })
  const inline = { extractor: { schema: ticketSchema, lane: 'nightly' }, items: tickets(900) }
  const paused = await post(url, '/v1/batches', { ...inline, name: 'archive-2024.csv', metadata: { team: 'research' } })
  await post(url, `/v1/batches/${paused.id}/pause`)
  await post(url, '/v1/batches', { ...inline, items: tickets(400), name: 'backlog.csv', priority: 5 })
  const running = await post(url, '/v1/batches', {
    ...done,
    items: tickets(2_400),
    name: 'tickets-november.csv',
    concurrency: 12,
    metadata: { team: 'support', month: 'November' },
  })
  return { running: running.id, failed, summary }
}

async function ended(url: string, id: string): Promise<void> {
  const response = await fetch(`${url}/v1/batches/${id}/results?follow=true&order=completion`)
  for await (const _ of response.body!) void _
}
