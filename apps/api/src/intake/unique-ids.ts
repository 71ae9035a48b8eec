import { hash } from 'node:crypto'

/** Finds the item that already has an id. */
export type UniqueIds = (id: string, index: number) => number | undefined

const smallest = 1_024

/**
 * For each id that differs from its item's index, 64 bits of a hash are kept: 12 to 24 bytes instead of 145, so that a million ids take little memory.
 * Two different ids among a million have the same hash once in 40 million batches.
 */
export function uniqueIds(): UniqueIds {
  let slots = smallest
  let count = 0
  // Open addressing with linear probing. A slot is free if `at` is 0; otherwise `at` is the index + 1.
  let high = new Uint32Array(slots)
  let low = new Uint32Array(slots)
  let at = new Uint32Array(slots)
  /** A bit for each item that was sent with an id, so that another item may use its index as an id. */
  let own = new Uint8Array(smallest)

  return (id, index) => {
    const digest = hash('sha1', id, 'buffer')
    const [a, b] = [digest.readUInt32LE(0), digest.readUInt32LE(4)]
    const slot = find(a, b)
    if (at[slot] !== 0) return at[slot]! - 1
    if (id === String(index)) return undefined
    const other = Number(id)
    if (String(other) === id && Number.isInteger(other) && other >= 0 && other < index && !hasOwn(other)) return other
    high[slot] = a
    low[slot] = b
    at[slot] = index + 1
    count += 1
    if (count * 2 > slots) grow()
    markOwn(index)
    return undefined
  }

  function find(a: number, b: number): number {
    let slot = a % slots
    while (at[slot] !== 0 && (high[slot] !== a || low[slot] !== b)) slot = (slot + 1) % slots
    return slot
  }

  function grow(): void {
    const before = { high, low, at }
    slots *= 2
    high = new Uint32Array(slots)
    low = new Uint32Array(slots)
    at = new Uint32Array(slots)
    before.at.forEach((index, from) => {
      if (index === 0) return
      const [a, b] = [before.high[from]!, before.low[from]!]
      const to = find(a, b)
      high[to] = a
      low[to] = b
      at[to] = index
    })
  }

  function hasOwn(index: number): boolean {
    return ((own[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  }

  function markOwn(index: number): void {
    const byte = index >> 3
    if (byte >= own.length) {
      const larger = new Uint8Array(Math.max(byte + 1, own.length * 2))
      larger.set(own)
      own = larger
    }
    own[byte]! |= 1 << (index & 7)
  }
}
