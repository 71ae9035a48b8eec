import { expect, test } from 'vitest'
import { createSlots } from './slots.ts'

const never = new AbortController().signal

test('no more slots are taken at once than there are, first come first served', async () => {
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

test('an aborted wait takes no slot', async () => {
  const slots = createSlots(1)
  const held = await slots.take(never)
  const abort = new AbortController()
  const waiting = slots.take(abort.signal)
  abort.abort('shutdown')
  await expect(waiting).rejects.toBe('shutdown')
  held[Symbol.dispose]()
  await slots.take(never)
})

test('fewer slots take none away from those in use, more slots go to those that wait', async () => {
  const slots = createSlots(2)
  const held = [await slots.take(never), await slots.take(never)]
  let came = 0
  const waiting = [1, 2, 3].map(async () => {
    const slot = await slots.take(never)
    came += 1
    return slot
  })
  slots.resize(1)
  held[0]![Symbol.dispose]()
  await Promise.resolve()
  expect(came).toBe(0)
  slots.resize(3)
  await Promise.all(waiting.slice(0, 2))
  expect(came).toBe(2)
  held[1]![Symbol.dispose]()
  await waiting[2]
})
