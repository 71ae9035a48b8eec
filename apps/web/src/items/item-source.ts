import type { BatchItem, BatchItemList } from '@sluice/contract/batch-item'
import { signal, type ReadonlySignal } from '@preact/signals'
import { ask, batchPath, messageOf, withQuery } from '../http.ts'

export interface ItemFilter {
  readonly status: string
  readonly error_type: string
  readonly error_group: string
  readonly search: string
}

export interface ItemSource {
  /** The row at a place of the table, once it is loaded. */
  readonly row: (at: number) => BatchItem | undefined
  /** Loads the pages that contain these rows. */
  readonly need: (from: number, to: number) => void
  /** Loads again what is visible; older states stay until then. */
  readonly refresh: () => void
  /** With a filter: how many rows were found, whether there may be more, and whether the server is looking now. */
  readonly found: ReadonlySignal<number>
  readonly more: ReadonlySignal<boolean>
  readonly searching: ReadonlySignal<boolean>
  readonly searchOn: () => Promise<void>
  readonly error: ReadonlySignal<string | null>
  readonly version: ReadonlySignal<number>
  readonly stop: () => void
}

const pageSize = 100
/** Pages in memory, 2 MB at most; the one that was needed longest ago is dropped. */
const keptPages = 60
/** A search looks on by itself until it has found so many rows, or made so many requests. */
const searchPages = 10

/** Rows of a batch by their place. Without a filter any place can be read; with one, rows come in order of their index. */
export function createItemSource(id: string, filter: ItemFilter): ItemSource {
  const isFiltered = Object.values(filter).some((value) => value !== '')
  const pages = new Map<number, { rows: readonly BatchItem[]; fresh: boolean }>()
  const loading = new Set<number>()
  const rows: BatchItem[] = []
  let cursor: string | null = null
  let last = { from: 0, to: 0 }
  let stop = new AbortController()
  const found = signal(0)
  const more = signal(isFiltered)
  const searching = signal(false)
  const error = signal<string | null>(null)
  const version = signal(0)

  return {
    row: (at) => (isFiltered ? rows[at] : pages.get(Math.floor(at / pageSize))?.rows[at % pageSize]),
    need,
    refresh() {
      for (const page of pages.values()) page.fresh = false
      if (isFiltered) void restart()
      else need(last.from, last.to)
    },
    found,
    more,
    searching,
    searchOn: () => searchOn(searchPages),
    error,
    version,
    stop: () => stop.abort(),
  }

  function need(from: number, to: number): void {
    last = { from, to }
    if (isFiltered) {
      if (to >= rows.length - pageSize / 2 && more.peek() && rows.length > 0) void searchOn(1)
      return
    }
    for (let page = Math.floor(from / pageSize); page * pageSize < to; page += 1) {
      if (pages.get(page)?.fresh !== true) void loadPage(page)
    }
  }

  async function loadPage(page: number): Promise<void> {
    if (loading.has(page)) return
    loading.add(page)
    const { signal: own } = stop
    try {
      const path = withQuery(batchPath(id, '/items'), { from: page * pageSize, limit: pageSize })
      const { data } = await ask<BatchItemList>('GET', path, { signal: own })
      pages.delete(page)
      pages.set(page, { rows: data, fresh: true })
      for (const [oldest] of pages) {
        if (pages.size <= keptPages) break
        pages.delete(oldest)
      }
      error.value = null
      version.value += 1
    } catch (problem) {
      if (!own.aborted) error.value = messageOf(problem)
    } finally {
      loading.delete(page)
    }
  }

  /** Searches again from the start; what was found before is shown until then. */
  async function restart(): Promise<void> {
    stop.abort()
    stop = new AbortController()
    searching.value = false
    cursor = null
    const fresh: BatchItem[] = []
    const pagesAgain = Math.max(searchPages, Math.ceil(rows.length / pageSize))
    await search(fresh, pagesAgain, () => {
      if (fresh.length < Math.min(rows.length, pageSize)) return
      rows.splice(0, rows.length, ...fresh)
      show()
    })
    rows.splice(0, rows.length, ...fresh)
    show()
  }

  /** Adds the next rows that the server finds. */
  async function searchOn(requests: number): Promise<void> {
    await search(rows, requests, show)
  }

  /** Stops with a page of rows, or after so many requests: each does a bounded piece of work. */
  async function search(into: BatchItem[], requests: number, onPage: () => void): Promise<void> {
    if (searching.peek()) return
    searching.value = true
    const { signal: own } = stop
    const before = into.length
    try {
      for (let request = 0; request < requests; request += 1) {
        const path = withQuery(batchPath(id, '/items'), { ...filter, limit: pageSize, after: cursor ?? undefined })
        const page = await ask<BatchItemList>('GET', path, { signal: own })
        into.push(...page.data)
        cursor = page.next
        more.value = page.has_more
        onPage()
        if (!page.has_more || into.length - before >= pageSize) break
      }
      error.value = null
    } catch (problem) {
      if (!own.aborted) error.value = messageOf(problem)
    } finally {
      if (!own.aborted) searching.value = false
    }
  }

  function show(): void {
    found.value = rows.length
    version.value += 1
  }
}
