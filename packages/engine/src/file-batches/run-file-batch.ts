import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import pLimit from 'p-limit'
import { forgetBatch } from '../batches/forget-batch.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'
import { type FileBatchRecord, type FileBatchStore, isFinal } from './file-batch-store.ts'
import type { Finalize } from './finalize.ts'
import type { StartItems } from './start-items.ts'

/** Without a message the batch is read this often, and with messages at most so often. */
const pollMs = 2_000
const restMs = 250
/** Input files that one process reads at once: each takes the CPU for a second per 100 MB. */
const readAtOnce = 2
/** Records are shown for so long after the end, and at least as long as their files. */
const shownMs = 30 * 86_400_000

/**
 * Takes a batch over a file through its states, from `validating` to its end. Keeps no state outside Redis: it may die at any point, run
 * twice, or continue in another process. Rejects when `signal` aborts.
 */
export type RunFileBatch = (
  id: string,
  options: { readonly signal: AbortSignal; readonly onStatus: (record: FileBatchRecord) => Promise<void> },
) => Promise<void>

/** Acts on the end of a batch, before it counts as settled. May be called more than once for the same end. */
export type OnFileBatchEnded = (record: FileBatchRecord) => Promise<void>

export interface RunFileBatchDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly changes: Changes
  readonly store: FileBatchStore
  readonly startItems: StartItems
  readonly finalize: Finalize
  readonly onEnded: OnFileBatchEnded
}

export function createRunFileBatch(dependencies: RunFileBatchDependencies): RunFileBatch {
  const { redis, keys, ledger, changes, store, startItems, finalize, onEnded } = dependencies
  const reading = pLimit(readAtOnce)

  return async (id, { signal, onStatus }) => {
    for (;;) {
      signal.throwIfAborted()
      const record = await store.read(id)
      if (record === null) return
      await onStatus(record)
      if (isFinal(record.status)) {
        await onEnded(record)
        return store.settle(id, Date.now() + Math.max(shownMs, keptMs(record)))
      }
      await step(record, signal)
    }
  }

  /** One step towards the end. Each may be repeated. */
  async function step(record: FileBatchRecord, signal: AbortSignal): Promise<void> {
    switch (record.status) {
      case 'validating':
        return reading(() => validate(record, signal))
      case 'in_progress':
        return waitForItems(record, signal)
      case 'cancelling':
        return cancel(record, signal)
      case 'finalizing':
        return finish(record)
      case 'completed':
      case 'failed':
      case 'expired':
      case 'cancelled':
        return
      default:
        record.status satisfies never
    }
  }

  async function validate(record: FileBatchRecord, signal: AbortSignal): Promise<void> {
    const started = await startItems(record, { signal })
    const now = Date.now()
    switch (started.type) {
      case 'started':
        // If it was cancelled in this moment, the next step cancels the items.
        await store.move(record.id, 'validating', { status: 'in_progress', inProgressAt: now, model: started.model })
        return
      case 'invalid':
        await store.move(record.id, 'validating', {
          status: 'failed',
          failedAt: now,
          model: started.model,
          errors: started.errors,
        })
        return
      case 'moved':
        return
      default:
        started satisfies never
    }
  }

  async function waitForItems(record: FileBatchRecord, signal: AbortSignal): Promise<void> {
    const ended = await untilEnded(record, signal)
    const now = Date.now()
    switch (ended) {
      case 'moved':
        return
      case 'late':
        if (await store.move(record.id, 'in_progress', { isExpiring: true })) await ledger.cancel(record.id)
        return
      case 'gone':
        await store.move(record.id, 'in_progress', { status: 'failed', failedAt: now, errors: [deletedItems] })
        return
      case 'ended':
        await store.move(record.id, 'in_progress', { status: 'finalizing', finalizingAt: now })
        return
      default:
        ended satisfies never
    }
  }

  async function cancel(record: FileBatchRecord, signal: AbortSignal): Promise<void> {
    const { id } = record
    const meta = await readBatchMeta(redis, keys.batch(id))
    if (meta === null || meta.status === 'staging') {
      await forgetBatch(redis, keys, id)
      await store.move(id, 'cancelling', { status: 'cancelled', cancelledAt: Date.now(), counts: noCounts })
      return
    }
    await ledger.cancel(id)
    const ended = await untilEnded(record, signal)
    if (ended === 'gone') await store.move(id, 'cancelling', { status: 'cancelled', cancelledAt: Date.now() })
    if (ended !== 'ended') return
    const finalized = await finalize(record)
    await store.move(id, 'cancelling', { ...finalized, status: 'cancelled', cancelledAt: Date.now() })
  }

  async function finish(record: FileBatchRecord): Promise<void> {
    const { id } = record
    const meta = await readBatchMeta(redis, keys.batch(id))
    if (meta === null) {
      await store.move(id, 'finalizing', { status: 'failed', failedAt: Date.now(), errors: [deletedItems] })
      return
    }
    const finalized = await finalize(record)
    const now = Date.now()
    // The items may have been cancelled as those of any batch.
    const end =
      meta.status === 'completed'
        ? ({ status: 'completed', completedAt: now } as const)
        : record.isExpiring
          ? ({ status: 'expired', expiredAt: now } as const)
          : ({ status: 'cancelled', cancelledAt: now } as const)
    await store.move(id, 'finalizing', { ...finalized, ...end })
  }

  /** `moved`: the batch has another status by now. `late`: its window has ended. */
  async function untilEnded(
    { id, status, expiresAt, isExpiring }: FileBatchRecord,
    signal: AbortSignal,
  ): Promise<'ended' | 'gone' | 'late' | 'moved'> {
    using changed = await changes.listen(keys.batch(id).changes)
    for (;;) {
      signal.throwIfAborted()
      const readAt = Date.now()
      const items = await readBatchMeta(redis, keys.batch(id))
      if (items === null || items.status === 'staging') return 'gone'
      if (isEnded(items.status)) return 'ended'
      const now = await store.read(id)
      if (now?.status !== status) return 'moved'
      if (status === 'in_progress' && !isExpiring && readAt >= now.expiresAt) return 'late'
      // A process may have died between noting that the window is over and cancelling.
      if (isExpiring && items.status !== 'cancelling') await ledger.cancel(id)
      await changed.wait(Math.min(pollMs, Math.max(restMs, expiresAt - readAt)), signal)
      await sleep(Math.max(0, readAt + restMs - Date.now()), undefined, { signal }).catch(() => {})
    }
  }
}

const noCounts = { total: 0, completed: 0, failed: 0 }

const deletedItems = {
  code: 'items_deleted',
  message: 'The items of the batch were deleted before their results were in files.',
  param: null,
  line: null,
}

function keptMs({ outputExpiresAfterS }: FileBatchRecord): number {
  return (outputExpiresAfterS ?? 0) * 1_000
}
