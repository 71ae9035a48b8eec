import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import { packAttempts } from './attempts.ts'
import { failureGroup } from './failure-group.ts'
import { noGroup, packGroup } from './failure-groups.ts'
import { createGroupCommit } from './group-commit.ts'
import type { ExpectedCost, Ledger, LedgerEvents, Opened, Origin, Taken } from './ledger.ts'
import { type CallEnd, type Cost, noTries, type Run, type Tries } from './run.ts'
import type { StoredResult } from './stored-result.ts'

/** Items in one script: about 1 ms. */
const mostAtOnce = 64
/** What one script gets or returns: a few ms of Redis at most. */
const mostBytes = 1_000_000
/** Besides its texts. */
const bytesOfEntry = 300
/** A batch that compares texts gets a stored result with the reply, which may be large: so many results in one reply at most. */
const mostTwins = 8

const file = (name: string) => loadScript(new URL(name, import.meta.url))
const scripts = {
  take: file('take.lua'),
  openCall: file('open-call.lua'),
  closeCall: file('close-call.lua'),
  record: file('record.lua'),
}

/** The values of one item, as the script's header lists them. */
type Entry = readonly (string | number)[]

export interface ItemStepsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly events: LedgerEvents | undefined
}

/** The ledger's steps of one run of an item. Those that every item takes go to Redis together, for the items of a batch. */
export function createItemSteps({
  redis,
  keys,
  events,
}: ItemStepsDependencies): Pick<Ledger, 'take' | 'openCall' | 'closeCall' | 'record'> {
  const limits = { most: mostAtOnce, mostBytes }
  const take = createGroupCommit<Entry, Taken>({
    ...limits,
    bytesOf: ([, , , textHash]) => (textHash === '' ? bytesOfEntry : mostBytes / mostTwins),
    async write(batchId, entries) {
      const k = keys.batch(batchId)
      const replies = await scripts.take(redis, k, { now: Date.now(), channel: k.changes, entries: entries.flat() })
      return (replies as [Taken['type'], ...string[]][]).map(readTaken)
    },
  })
  const openCall = createGroupCommit<Entry, Opened | 'repeated'>({
    ...limits,
    bytesOf: () => bytesOfEntry,
    async write(batchId, entries) {
      const replies = await scripts.openCall(redis, keys.batch(batchId), { entries: entries.flat() })
      return replies as (Opened | 'repeated')[]
    },
  })
  const record = createGroupCommit<Entry, 'recorded' | 'stale'>({
    ...limits,
    bytesOf: (entry) => entry.reduce<number>((sum, value) => sum + String(value).length, bytesOfEntry),
    async write(batchId, entries) {
      const k = keys.batch(batchId)
      const args = { now: Date.now(), channel: k.changes, entries: entries.flat() }
      const [status, released, ...outcomes] = (await scripts.record(redis, k, args)) as [
        string,
        number,
        ...('recorded' | 'stale')[],
      ]
      if (released > 0) await events?.requeued(batchId)
      if (status === 'completed' || status === 'cancelled') events?.ended(batchId)
      return outcomes
    },
  })
  /** Calls that the ledger is asked to open, by id. */
  const opening = new Map<string, Promise<unknown>>()

  return {
    take: (run, { keepsTime, textHash = '' }) => take(run.batchId, [...runOf(run), textHash, keepsTime ? 1 : 0]),

    async openCall(run, expected) {
      const id = callKey(run)
      const opened = openCall(run.batchId, [...runOf(run), callOf(run), ...costOf(expected)])
      opening.set(id, opened)
      try {
        return await opened
      } finally {
        if (opening.get(id) === opened) opening.delete(id)
      }
    },

    async closeCall(run, tries, cost, end) {
      // A caller that gave up waiting for the call to be opened must not close it before.
      await opening.get(callKey(run))?.catch(() => {})
      return closeCall(run, tries, cost, end)
    },

    record: (run, status, result, cost, end, origin = {}) =>
      record(run.batchId, recordEntry(run, { status, result, cost, end, origin })),
  }

  async function closeCall(run: Run, tries: Tries, cost: Cost, end: CallEnd): Promise<'closed' | 'stale'> {
    return (await scripts.closeCall(redis, keys.batch(run.batchId), {
      index: run.index,
      feed: run.feed,
      token: run.token,
      call: callOf(run),
      callEnd: end,
      used: usedOf(cost),
      triesJson: JSON.stringify(tries),
    })) as 'closed' | 'stale'
  }
}

interface Recorded {
  readonly status: 'succeeded' | 'failed'
  readonly result: object
  readonly cost: Cost
  readonly end: CallEnd
  readonly origin: Origin
}

function recordEntry(run: Run, { status, result, cost, end, origin }: Recorded): Entry {
  const { attempts, textHash = '', withoutCall = '' } = origin
  const { error, id = String(run.index) } = result as Partial<StoredResult>
  const { group, groupInfo, groupSample } =
    error === undefined ? noGroup : packGroup(failureGroup(error), { id, message: error.message })
  return [
    ...runOf(run),
    callOf(run),
    end,
    usedOf(cost),
    status,
    JSON.stringify(result),
    textHash,
    withoutCall,
    group,
    groupInfo,
    groupSample,
    packAttempts(status, attempts),
  ]
}

function runOf({ index, feed, token }: Run): [index: number, feed: number, token: string] {
  return [index, feed, token]
}

function callOf({ call, token }: Run): string {
  return call ?? token
}

function callKey(run: Run): string {
  return `${run.batchId} ${callOf(run)}`
}

function costOf({ inputNanoUsd, outputTokenNanoUsd, mostOutputTokens }: ExpectedCost): Entry {
  return [Math.ceil(inputNanoUsd), Math.ceil(outputTokenNanoUsd), mostOutputTokens ?? '']
}

/** As addUsage in usage.lua takes it. */
function usedOf({ paidCalls, usage, cachedInputTokens, nanoUsd }: Cost): string {
  return [paidCalls, usage.input_tokens, cachedInputTokens, usage.output_tokens, Math.round(nanoUsd)].join(' ')
}

function readTaken([type, ...rest]: [Taken['type'], ...string[]]): Taken {
  if (type === 'twin') return { type, index: Number(rest[0]), stored: rest[1] ?? '' }
  if (type !== 'taken') return { type }
  const [tries, firstTakenAt, waitingSince, lostRuns] = rest
  return {
    type,
    tries: tries ? (JSON.parse(tries) as Tries) : noTries,
    firstTakenAt: firstTakenAt ? Number(firstTakenAt) : null,
    waitingSince: Number(waitingSince),
    lostRuns: Number(lostRuns),
  }
}
