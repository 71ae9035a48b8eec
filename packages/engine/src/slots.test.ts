import { expect, test } from 'vitest'
import { createSlots } from './slots.ts'

const never = new AbortController().signal

test('no more than there is room for are taken at once, in the order of asking', async () => {
  const slots = createSlots(2)
  const order: number[] = []
  const first = await slots.take(never)
  await slots.take(never)
  const rest = [3, 4].map(async (number) => {
    const slot = await slots.take(never)
    order.push(number)
    return slot
  })
  await Promise.resolve()
  expect(order).toEqual([])
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  const third = await rest[0]!
  expect(order).toEqual([3])
  third[Symbol.dispose]()
  await rest[1]
  expect(order).toEqual([3, 4])
})

test('who gives up waiting takes no room', async () => {
  const slots = createSlots(1)
  const held = await slots.take(never)
  const abort = new AbortController()
  const waiting = slots.take(abort.signal)
  abort.abort('shutdown')
  await expect(waiting).rejects.toBe('shutdown')
  held[Symbol.dispose]()
  await slots.take(never)
})
