import type { LiveEvent } from '../engine.ts'

/** What an event is about. A later event about the same replaces an earlier one that was not read yet. */
export type Subject = `${'batch' | 'lane' | 'summary'} ${string}`

/** Subjects that wait for a slow client. Beyond that the oldest is dropped; its next change comes all the same. */
const mostPending = 10_000

/** One client. It gets the newest event about each subject that changed, so a slow one gets fewer and holds no texts. */
export interface FeedReader {
  /** Null: everything. */
  readonly batchId: string | null
  changed(subject: Subject): void
  /** Ends when `signal` aborts. */
  events(newest: (subject: Subject) => LiveEvent | undefined, signal: AbortSignal): AsyncGenerator<LiveEvent>
}

export function createFeedReader(batchId: string | null): FeedReader {
  const pending = new Set<Subject>()
  let wake = () => {}

  return {
    batchId,
    changed(subject) {
      pending.add(subject)
      if (pending.size > mostPending) pending.delete(pending.values().next().value!)
      wake()
    },
    async *events(newest, signal) {
      signal.addEventListener('abort', () => wake(), { once: true })
      while (!signal.aborted) {
        for (const subject of pending) {
          pending.delete(subject)
          const event = newest(subject)
          if (event !== undefined) yield event
          if (signal.aborted) return
        }
        if (pending.size > 0) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
