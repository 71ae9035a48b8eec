import { expect, onTestFinished, test, vi } from 'vitest'
import { createHeldPages } from './held-pages.ts'

const mb = 1_048_576
const never = new AbortController().signal

test('small pages never wait, also when large ones hold all the room', () => {
  const pages = createHeldPages()
  expect(pages.tryHold(16 * mb)).not.toBeNull()
  expect(pages.tryHold(mb)).toBeNull()
  expect(pages.tryHold(131_072)).not.toBeNull()
})

test('a page waits for room, in the order in which the readers came, and one that leaves keeps nobody', async () => {
  const pages = createHeldPages()
  const first = pages.tryHold(15 * mb)!
  const order: string[] = []
  const left = new AbortController()
  const leaver = pages.hold(15 * mb, left.signal)
  const large = pages.hold(10 * mb, never).then((one) => (order.push('large'), one))
  const small = pages.hold(10 * mb, never).then((one) => (order.push('small'), one))
  // It would fit, but others came before it.
  expect(pages.tryHold(mb)).toBeNull()
  left.abort()
  expect(await leaver).toBeNull()
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  ;(await large)![Symbol.dispose]()
  await small
  expect(order).toEqual(['large', 'small'])
})

test('a page that is larger than all the room is held alone', async () => {
  const pages = createHeldPages()
  const first = pages.tryHold(mb)!
  const huge = pages.hold(100 * mb, never)
  first[Symbol.dispose]()
  const held = (await huge)!
  expect(pages.tryHold(mb)).toBeNull()
  held[Symbol.dispose]()
  expect(pages.tryHold(mb)).not.toBeNull()
})

test('readers that keep all the room for long delay others by seconds, and no more than a few of them are let in', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const pages = createHeldPages()
  pages.tryHold(15 * mb)
  const waiting = Array.from({ length: 6 }, () => pages.hold(15 * mb, never))
  let admitted = 0
  for (const one of waiting) void one.then(() => (admitted += 1))
  await vi.advanceTimersByTimeAsync(4_900)
  expect(admitted).toBe(0)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(admitted).toBe(1)
})
