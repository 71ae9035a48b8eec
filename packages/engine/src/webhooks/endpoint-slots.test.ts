import { expect, test } from 'vitest'
import { createEndpointSlots } from './endpoint-slots.ts'

test('an endpoint gets four requests at once, and those that wait ask again one after the other', () => {
  const slots = createEndpointSlots(() => 1_000)
  const taken = Array.from({ length: 4 }, () => slots.take('slow'))
  expect(taken.map(({ type }) => type)).toEqual(['free', 'free', 'free', 'free'])
  const waiting = Array.from({ length: 100 }, () => slots.take('slow'))
  const times = waiting.map((slot) => (slot.type === 'busy' ? slot.freeAt : 0))
  expect(times).toEqual(Array.from({ length: 100 }, (_, at) => 1_000 + 25 * (at + 1)))
  expect(slots.take('other').type).toBe('free')

  const [first] = taken
  if (first?.type === 'free') first.release(10_000)
  expect(slots.take('slow').type).toBe('free')
  const next = slots.take('slow')
  expect(next).toEqual({ type: 'busy', freeAt: times.at(-1)! + 2_500 })
})

test('endpoints without requests are forgotten, and the slots of the others stay taken', () => {
  const slots = createEndpointSlots()
  for (let at = 0; at < 4; at += 1) slots.take('busy')
  for (let at = 0; at < 3_000; at += 1) {
    const slot = slots.take(`endpoint ${at}`)
    if (slot.type === 'free') slot.release(1)
  }
  expect(slots.take('busy').type).toBe('busy')
})
