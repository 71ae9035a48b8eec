import { expect, test } from 'vitest'
import { processorSlowdown, threadMs } from '../../../../test/support/processor-time.ts'
import { createAnswerer } from './answerer.ts'

const { answer, summarize } = createAnswerer()
const string = { type: 'string' }
const number = { type: 'number' }
const object = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const list = (items: object) => ({ type: 'array', items })
const orNull = (type: string) => ({ type: [type, 'null'] })

test('a person is who the text introduces, or is signed by', () => {
  const schema = object({ name: string, age: orNull('integer') })
  expect(answer(schema, 'My name is Jill and I am 26 years old')).toEqual({ name: 'Jill', age: 26 })
  expect(answer(schema, 'Great service! Emily Clark')).toEqual({ name: 'Emily Clark', age: null })
  expect(answer(schema, 'Can it wait? Cheers, Tom')).toEqual({ name: 'Tom', age: null })
})

test('values are found by what they are and by the words next to them', () => {
  const schema = object({
    order_number: { ...string, description: 'Order number, such as A-48213.' },
    email: string,
    price: number,
    currency: string,
    delivered_on: { ...string, format: 'date' },
    phone: orNull('string'),
  })
  const text =
    'Order A-48402 came on 3 March 2024, paid 1,219.00 euros. Write to anna.k@example.org or +49 170 1234567.'
  expect(answer(schema, text)).toEqual({
    order_number: 'A-48402',
    email: 'anna.k@example.org',
    price: 1219,
    currency: 'EUR',
    delivered_on: '2024-03-03',
    phone: '+49 170 1234567',
  })
})

test('choices go to the value that the text has most words for, and to the neutral one without any', () => {
  const schema = object({
    mood: { enum: ['positive', 'neutral', 'negative'] },
    about: { enum: ['delivery', 'billing', 'other'] },
    is_urgent: { type: 'boolean' },
  })
  const angry = 'Terrible: the parcel is still missing, please send it immediately!'
  expect(answer(schema, angry)).toEqual({ mood: 'negative', about: 'delivery', is_urgent: true })
  expect(answer(schema, 'I live in a house.')).toEqual({ mood: 'neutral', about: 'other', is_urgent: false })
})

test('a list of objects has one for each line, sentence or clause that holds one', () => {
  const people = object({ people: list(object({ name: string, age: { type: 'integer' } })) })
  const text =
    'John Smith is 34 years old and Mary Jones is 29 years old. Their neighbour Bob Miller, 51, lives in Boston.'
  expect(answer(people, text)).toEqual({
    people: [
      { name: 'John Smith', age: 34 },
      { name: 'Mary Jones', age: 29 },
      { name: 'Bob Miller', age: 51 },
    ],
  })
  const invoice = object({ lines: list(object({ quantity: { type: 'integer' }, unit_price: number })) })
  expect(answer(invoice, 'Date: 3 March 2024\n- 3 hammers at $12.50\n- 10 nails at $4.00\nTotal: $77.50')).toEqual({
    lines: [
      { quantity: 3, unit_price: 12.5 },
      { quantity: 10, unit_price: 4 },
    ],
  })
})

test('a list that is spelled out is taken as it stands', () => {
  expect(answer(object({ skills: list(string) }), 'My skills include Python, Kubernetes and SQL.')).toEqual({
    skills: ['Python', 'Kubernetes', 'SQL'],
  })
})

test('references, unions and what holds itself are written too', () => {
  const node = object({ name: string, children: list({ $ref: '#/$defs/node' }) })
  const schema = { ...object({ root: { $ref: '#/$defs/node' } }), $defs: { node } }
  expect(answer(schema, 'My name is Ada.')).toMatchObject({ root: { name: 'Ada' } })
  const circle = object({ type: { const: 'circle' }, radius: number })
  const square = object({ type: { const: 'square' }, side: number })
  expect(answer(object({ shape: { anyOf: [circle, square] } }), 'A square with a side of 4 cm.')).toEqual({
    shape: { type: 'square', side: 4 },
  })
})

test('a summary is about a fifth of the text, in its own sentences', () => {
  const sentences = Array.from({ length: 40 }, (_, i) => `Sentence ${i} speaks of the harbour and of its ${i} ships.`)
  const summary = summarize(sentences.join(' '))
  expect(summary.length).toBeGreaterThan(200)
  expect(summary.length).toBeLessThan(sentences.join(' ').length / 3)
  for (const sentence of summary.split(/(?<=\.) /)) expect(sentences).toContain(sentence)
})

test('a summary of a very long text is made of whole sentences, too', () => {
  const sentences = Array.from(
    { length: 3_000 },
    (_, i) => `Sentence ${i} speaks of the harbour and of its ${i} ships.`,
  )
  let summary = ''
  const ms = threadMs(() => {
    const made = answer(object({ summary: string }), sentences.join(' ')) as { summary: string }
    summary = made.summary
  })
  expect(ms).toBeLessThan(200 * processorSlowdown())
  expect(summary.length).toBeGreaterThan(3_000)
  const there = new Set(sentences)
  expect(summary.split(/(?<=\.) /).filter((sentence) => !there.has(sentence))).toEqual([])
})

test('an answer costs little', () => {
  const schema = object({ name: string, age: { type: 'integer' } })
  answer(schema, 'My name is John and I am 20 years old')
  const ms = threadMs(() => {
    for (let i = 0; i < 1_000; i += 1) answer(schema, `My name is John and I am ${i % 90} years old. Ticket ${i}.`)
  })
  // Measured: 0.006 ms each.
  expect(ms / 1_000).toBeLessThan(0.5)
})
