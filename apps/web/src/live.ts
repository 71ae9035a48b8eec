import { signal } from '@preact/signals'
import type { Batch } from '@sluice/contract/batch'
import type { LaneView } from '@sluice/contract/lane-view'
import type { Summary } from '@sluice/contract/summary'

/** What the server sends when something has changed. */
interface Events {
  batch: Batch
  lane: LaneView
  summary: Summary
  gone: { readonly id: string }
}
type EventName = keyof Events
type Listener<Name extends EventName> = (value: Events[Name]) => void

export type Connection = 'connecting' | 'live' | 'lost'
export const connection = signal<Connection>('connecting')
/** Grows when events may have been missed: views load again what they show. */
export const missed = signal(0)

/** While there is no stream, views load again so often. */
const withoutStreamMs = 5_000

const listeners: { [Name in EventName]: Set<Listener<Name>> } = {
  batch: new Set(),
  lane: new Set(),
  summary: new Set(),
  gone: new Set(),
}
let source: EventSource | undefined
let scope: string | null = null

export function listen<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
  listeners[name].add(listener)
  return () => listeners[name].delete(listener)
}

/** Narrows the stream to one batch, or null for everything. */
export function follow(batchId: string | null): void {
  if (scope === batchId && source !== undefined) return
  scope = batchId
  if (!document.hidden) connect()
}

function connect(): void {
  source?.close()
  const opened = new EventSource(`/v1/events${scope === null ? '' : `?batch=${encodeURIComponent(scope)}`}`)
  source = opened
  opened.addEventListener('open', () => {
    if (source !== opened) return
    connection.value = 'live'
    // What changed between the first load of a view and now was not sent.
    missed.value += 1
  })
  opened.addEventListener('error', () => {
    if (source === opened) connection.value = 'lost'
  })
  for (const name of Object.keys(listeners) as EventName[]) {
    opened.addEventListener(name, (event) => dispatch(name, event.data as string))
  }
}

function dispatch(name: EventName, text: string): void {
  const value = JSON.parse(text) as never
  for (const listener of listeners[name]) listener(value)
}

/**
 * A hidden tab has no stream: browsers open six connections to a host at most, over all tabs, and nobody looks. Without a stream (a
 * restart, or a proxy that does not pass it on) the views load again from time to time.
 */
export function startLive(): void {
  follow(null)
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      source?.close()
      source = undefined
    } else {
      connect()
      missed.value += 1
    }
  })
  setInterval(() => {
    if (document.hidden || connection.value !== 'lost') return
    // A browser gives up for ever when the answer is an error.
    if (source?.readyState === EventSource.CLOSED) connect()
    missed.value += 1
  }, withoutStreamMs)
}
