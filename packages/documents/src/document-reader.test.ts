import { fc } from '../../../test/support/property.ts'
import { afterEach, expect, test } from 'vitest'
import { childrenOf, until } from '../test/child-processes.ts'
import { makeBomb, makePdf } from '../test/pdfs.ts'
import { createDocumentReader, type DocumentReader } from './document-reader.ts'

const opened: DocumentReader[] = []
function open(limits: { timeMs?: number; memoryMb?: number } = {}): DocumentReader {
  const reader = createDocumentReader(
    { bytes: 10_000_000, pages: 10, characters: 100_000, timeMs: 30_000, memoryMb: 512, ...limits },
    { processes: 1 },
  )
  opened.push(reader)
  return reader
}
afterEach(async () => {
  for (const reader of opened.splice(0)) await reader[Symbol.asyncDispose]()
})
const hasOne = (pids: readonly number[]) => pids.length > 0
/** Ten megabytes of unclosed tags: minutes of work. */
const endless = () => ({ kind: 'html' as const, bytes: new Uint8Array(Buffer.alloc(9_999_999, '<b><i>')) })
const text = (words: string) => ({ kind: 'text' as const, bytes: new Uint8Array(Buffer.from(words)) })

test('documents are read in a process of their own, while this one goes on', async () => {
  const reader = open()
  let ticks = 0
  const timer = setInterval(() => (ticks += 1), 5)
  const pages = Array.from({ length: 10 }, (_, i) => `Page ${i}: ${'My name is Ann. '.repeat(200)}`)
  const read = await Promise.all([
    reader.read({ kind: 'pdf', bytes: await makePdf(pages) }),
    reader.read(text('My name is Bob.')),
  ])
  clearInterval(timer)
  expect(read).toMatchObject([{ type: 'text' }, { type: 'text', text: 'My name is Bob.' }])
  expect(ticks).toBeGreaterThan(10)
})

test('what takes too long is ended, and the next document is read', async () => {
  const reader = open({ timeMs: 2_500, memoryMb: 4_096 })
  const [late, next] = await Promise.all([reader.read(endless()), reader.read(text('My name is Ann.'))])
  expect(late).toEqual({ type: 'unreadable', message: 'The document could not be read within 2.5 s.' })
  expect(next).toEqual({ type: 'text', text: 'My name is Ann.' })
})

test.each([
  ['objects', { kind: 'html' as const, bytes: new Uint8Array(Buffer.alloc(9_999_999, '<b></b>')) }],
  ['buffers', { kind: 'pdf' as const, bytes: await makeBomb(400) }],
])('what takes too much memory, in %s, is ended, and the next document is read', async (_, greedy) => {
  const reader = open({ memoryMb: 64 })
  const [ended, next] = await Promise.all([reader.read(greedy), reader.read(text('My name is Ann.'))])
  expect(ended).toEqual({ type: 'unreadable', message: 'Reading the document takes more memory than it may.' })
  expect(next).toEqual({ type: 'text', text: 'My name is Ann.' })
})

test('what is too large is not read', async () => {
  const reader = open()
  expect(await reader.read({ kind: 'pdf', bytes: new Uint8Array(10_000_001) })).toMatchObject({ type: 'too_large' })
})

test('a process that is killed while it reads fails its document, and the next one is read', async () => {
  const reader = open({ memoryMb: 2_048 })
  await reader.read(text('It is started.'))
  const [reads] = childrenOf(process.pid)
  const reading = Promise.all([reader.read(endless()), reader.read(text('My name is Ann.'))])
  process.kill(reads!, 'SIGKILL')
  expect(await reading).toEqual([
    { type: 'unreadable', message: 'Reading the document takes more memory than it may.' },
    { type: 'text', text: 'My name is Ann.' },
  ])
})

test('closing ends what is being read and what waits, and leaves no process behind', async () => {
  const reader = open({ memoryMb: 2_048 })
  const reading = Promise.allSettled([reader.read(endless()), reader.read(text('My name is Ann.'))])
  await until(() => childrenOf(process.pid), hasOne)
  await reader[Symbol.asyncDispose]()
  const terminated = { status: 'rejected', reason: { message: 'The reading of documents was terminated.' } }
  expect(await reading).toMatchObject([terminated, terminated])
  expect(childrenOf(process.pid)).toEqual([])
})

test('no PDF, whatever is changed in it, does more than fail', async () => {
  const reader = open({ timeMs: 5_000 })
  const pdf = await makePdf(['My name is Ann.', 'I am 31.', 'Grüße'])
  const change = fc.tuple(fc.nat(pdf.length - 1), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0 9<>/[]()'))))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (changes) => {
      const changed = new Uint8Array(pdf)
      for (const [at, byte] of changes) changed[at] = byte
      const { type } = await reader.read({ kind: 'pdf', bytes: changed })
      expect(['text', 'unreadable', 'too_large']).toContain(type)
    }),
    { numRuns: 150 },
  )
}, 60_000)
