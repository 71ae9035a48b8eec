import { describe, expect, test } from 'vitest'
import { createGroupCommit } from './group-commit.ts'

type Write = { readonly key: string; readonly entries: readonly string[]; end(error?: Error): void }

/** A commit whose writes end when the test says so. An entry's size is its length; its outcome is itself in capitals. */
function commit({ most = 100, mostBytes = 1_000 } = {}) {
  const writes: Write[] = []
  const begun: (() => void)[] = []
  const add = createGroupCommit<string, string>({
    most,
    mostBytes,
    bytesOf: (entry) => entry.length,
    write: async (key, entries) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => {
          if (error === undefined) resolve(entries.map((entry) => entry.toUpperCase()))
          else reject(error)
        }
        writes.push({ key, entries, end })
        begun.shift()?.()
      }),
  })
  const next = async () => {
    if (writes.length === 0) await new Promise<void>((resolve) => void begun.push(resolve))
    return writes.shift()!
  }
  return { add, next, writes }
}

describe('a group commit', () => {
  test('writes an entry at once while nothing is under way, and what came meanwhile together, in its order', async () => {
    const { add, next } = commit()
    const first = add('batch', 'a')
    const alone = await next()
    expect(alone.entries).toEqual(['a'])
    const others = ['b', 'c', 'd'].map((entry) => add('batch', entry))
    alone.end()
    expect(await first).toBe('A')
    const together = await next()
    expect(together.entries).toEqual(['b', 'c', 'd'])
    together.end()
    expect(await Promise.all(others)).toEqual(['B', 'C', 'D'])
    const last = add('batch', 'e')
    const again = await next()
    expect(again.entries).toEqual(['e'])
    again.end()
    expect(await last).toBe('E')
  })

  test('writes together what one turn of the event loop adds', async () => {
    const { add, next } = commit()
    const all = ['a', 'b', 'c'].map((entry) => add('batch', entry))
    const write = await next()
    expect(write.entries).toEqual(['a', 'b', 'c'])
    write.end()
    expect(await Promise.all(all)).toEqual(['A', 'B', 'C'])
  })

  test('lets no key wait for another one', async () => {
    const { add, next } = commit()
    const slow = add('slow', 'a')
    const blocked = await next()
    const quick = add('quick', 'b')
    const other = await next()
    expect(other.key).toBe('quick')
    other.end()
    expect(await quick).toBe('B')
    blocked.end()
    expect(await slow).toBe('A')
  })

  test('bounds a write by entries and by bytes, and writes what is too large alone', async () => {
    const { add, next } = commit({ most: 3, mostBytes: 10 })
    const all = ['1', '2', '3', '4', 'x'.repeat(50), '666666', '7777', '88'].map((entry) => add('batch', entry))
    const sizes: number[][] = []
    while (sizes.flat().length < all.length) {
      const write = await next()
      sizes.push(write.entries.map((entry) => entry.length))
      write.end()
    }
    expect(sizes).toEqual([[1, 1, 1], [1], [50], [6, 4], [2]])
    expect((await Promise.all(all))[3]).toBe('4')
  })

  test('writes the entries of a failed write one by one, so that only those fail that cannot be written', async () => {
    const { add, next } = commit()
    const all = Promise.allSettled(['good', 'bad', 'fine'].map((entry) => add('batch', entry)))
    const together = await next()
    together.end(new Error('All of it.'))
    for (let i = 0; i < 3; i += 1) {
      const alone = await next()
      alone.end(alone.entries[0] === 'bad' ? new Error('This one.') : undefined)
    }
    expect(await all).toEqual([
      { status: 'fulfilled', value: 'GOOD' },
      { status: 'rejected', reason: new Error('This one.') },
      { status: 'fulfilled', value: 'FINE' },
    ])
    const later = add('batch', 'later')
    const write = await next()
    write.end()
    expect(await later).toBe('LATER')
  })
})
