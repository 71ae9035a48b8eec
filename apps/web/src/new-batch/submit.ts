import type { Batch } from '@sluice/contract/batch'
import { ask, batchPath, RequestError } from '../http.ts'
import { type Draft, type Item, itemsOf, optionsOf } from './draft.ts'
import { namesOf } from './dropped-files.ts'

export interface SubmitOptions {
  readonly signal: AbortSignal
  /** Items that are on disk. */
  readonly onSent: (items: number) => void
}

/** Up to this size one request is enough, so that the first call starts after one round trip. */
const oneRequest = { items: 5_000, characters: 2_000_000 }
const piece = { items: 20_000, characters: 4_000_000 }
const formBytes = 64_000_000
const formFiles = 200
const tries = 6
const firstWaitMs = 500

/** Sends the batch. A large one goes in pieces: what arrived before a break is kept, and sending continues from there. */
export async function submitDraft(draft: Draft, options: SubmitOptions): Promise<Batch> {
  const extractor = await storedExtractor(draft, options.signal)
  const recipe = { extractor, ...optionsOf(draft) }
  const source = draft.source.peek()
  if (source.kind === 'documents') return submitDocuments(source.files, recipe, options)
  const items = itemsOf(draft)
  const first = await nextPiece(items, oneRequest)
  if (first.items.length === 0) throw new Error('There is no text to send: the chosen column is empty in every row.')
  if (first.isLast) {
    const batch = await patiently(options.signal, (headers) =>
      ask<Batch>('POST', '/v1/batches', { body: { ...recipe, items: first.items }, headers, signal: options.signal }),
    )
    options.onSent(first.items.length)
    return batch
  }
  return upload(recipe, options, async (batch) => {
    let at = 0
    for (let part = first; ; part = await nextPiece(items, piece)) {
      await append(batch.id, at, part.items, options.signal)
      at += part.items.length
      options.onSent(at)
      if (part.isLast) return
    }
  })
}

/** A new extractor with a name is stored first, so that the batch names its version. */
async function storedExtractor(draft: Draft, signal: AbortSignal): Promise<unknown> {
  const choice = draft.extractorChoice.peek()
  const name = draft.extractor.name.peek()
  if (typeof choice === 'string' || choice === null || name === '') return choice
  const made = await ask<{ version: number }>('POST', '/v1/extractors', { body: { name, ...choice }, signal })
  return `${name}@${made.version}`
}

/** Opens a batch, fills and seals it. If that fails, what was sent is removed. */
async function upload(
  recipe: object,
  { signal }: SubmitOptions,
  fill: (batch: Batch) => Promise<void>,
): Promise<Batch> {
  const opened = await patiently(signal, (headers) =>
    ask<Batch>('POST', '/v1/batches/uploads', { body: recipe, headers, signal }),
  )
  try {
    await fill(opened)
    return await patiently(signal, () => ask<Batch>('POST', batchPath(opened.id, '/seal'), { signal }))
  } catch (error) {
    await discard(opened.id)
    throw error
  }
}

async function discard(id: string): Promise<void> {
  try {
    await ask('POST', batchPath(id, '/cancel'))
    await ask('DELETE', batchPath(id))
  } catch {
    // It is removed by itself after a day without items.
  }
}

async function append(id: string, from: number, items: readonly Item[], signal: AbortSignal): Promise<void> {
  let sent = 0
  await patiently(signal, async () => {
    // After a break, only the server knows how far it came.
    if (sent > 0) sent = (await ask<Batch>('GET', batchPath(id), { signal })).counts.total - from
    if (sent >= items.length) return
    const rest = items.slice(Math.max(0, sent))
    sent = Math.max(1, sent)
    await ask('POST', batchPath(id, `/items?from=${from + items.length - rest.length}`), {
      body: rest.map((item) => `${JSON.stringify(item)}\n`).join(''),
      headers: { 'content-type': 'application/x-ndjson' },
      signal,
    })
  })
}

async function submitDocuments(files: readonly File[], recipe: object, options: SubmitOptions): Promise<Batch> {
  const groups = groupFiles(files)
  const names = new Map(namesOf(files).map((name, at) => [files[at]!, name]))
  if (groups.length === 1) {
    const form = new FormData()
    form.set('batch', JSON.stringify(recipe))
    for (const file of files) form.append('documents', file, names.get(file))
    const batch = await patiently(options.signal, (headers) =>
      ask<Batch>('POST', '/v1/batches', { body: form, headers, signal: options.signal }),
    )
    options.onSent(files.length)
    return batch
  }
  return upload(recipe, options, async ({ id }) => {
    let at = 0
    for (const group of groups) {
      const form = new FormData()
      for (const file of group) form.append('documents', file, names.get(file))
      await ask('POST', batchPath(id, `/items?from=${at}`), { body: form, signal: options.signal })
      at += group.length
      options.onSent(at)
    }
  })
}

function groupFiles(files: readonly File[]): File[][] {
  const groups: File[][] = [[]]
  let bytes = 0
  for (const file of files) {
    const group = groups.at(-1)!
    if (group.length > 0 && (group.length >= formFiles || bytes + file.size > formBytes)) {
      groups.push([file])
      bytes = file.size
    } else {
      group.push(file)
      bytes += file.size
    }
  }
  return groups
}

async function nextPiece(
  items: AsyncGenerator<Item>,
  most: { readonly items: number; readonly characters: number },
): Promise<{ items: Item[]; isLast: boolean }> {
  const taken: Item[] = []
  let characters = 0
  while (taken.length < most.items && characters < most.characters) {
    const next = await items.next()
    if (next.done === true) return { items: taken, isLast: true }
    taken.push(next.value)
    characters += next.value.text.length
  }
  return { items: taken, isLast: false }
}

/** Repeats a request that did not arrive, or that the server could not take now. The key makes a repeat the same request. */
async function patiently<T>(
  signal: AbortSignal,
  request: (headers: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const headers = { 'idempotency-key': crypto.getRandomValues(new BigUint64Array(2)).join('-') }
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request(headers)
    } catch (error) {
      const passes =
        error instanceof RequestError && (error.status === 0 || error.status === 429 || error.status >= 503)
      if (!passes || attempt >= tries) throw error
      await wait(firstWaitMs * 2 ** attempt, signal)
    }
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    reject(signal.reason as Error)
  })
  return promise
}
