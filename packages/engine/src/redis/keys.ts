/**
 * Every Redis key there is. A hash tag `{...}` keeps what one script touches in one cluster slot:
 * one tag per batch, one per lane, one for the indexes. See the key table in ARCHITECTURE.md.
 */
export interface BatchKeys {
  /** Hash: status, options, counters, usage. */
  readonly meta: string
  /** Stream: the items, zstd blocks; the entry id is the index behind the block's last item. */
  readonly blocks: string
  /** Hash index -> feed number: the items that stand in the lane's queue or run. The batch's part of the window. */
  readonly open: string
  /** Hash index -> run token: the items that a worker holds now. The token fences off earlier runs. */
  readonly runs: string
  /** Hash index -> run token: the calls in flight. */
  readonly calls: string
  /** Set of indexes: a call was sent and nobody knows how it ended, so it may have been paid. */
  readonly unsettled: string
  /** Hash index -> JSON: what an item has used of its attempts, while it is not done. */
  readonly tries: string
  /** Hash of a text -> index of the item that is, or was, asked for all with this text; `-` once it has failed: each for itself. */
  readonly twins: string
  /** Sorted set of indexes: items that wait for the item with the same text; its index is their score. */
  readonly parked: string
  /** List of indexes that go to the window before new ones. */
  readonly requeue: string
  /** Hash index -> `<position in done>|<JSON>`: the one final result of each item. */
  readonly results: string
  /** List of indexes in the order of completion. */
  readonly done: string
  /** Set of indexes whose result is a failure. */
  readonly failed: string
  /** Pub/sub channel: something about this batch changed. */
  readonly changes: string
}

export interface SummaryKeys {
  /** Hash: status, level, options, the summary. */
  readonly meta: string
  /** Pub/sub channel: something about this summary changed. */
  readonly changes: string
}

export interface Keys {
  readonly prefix: string
  batch(id: string): BatchKeys
  summary(id: string): SummaryKeys
  /** Sorted set, all scores 0: the ids of all batches, in order of time. */
  readonly allBatches: string
  /** Set: the batches that have not ended. */
  readonly activeBatches: string
  /** Sorted set id -> unix ms of the last block: batches being staged. */
  readonly stagingBatches: string
  /** Sorted set id -> unix ms of its end: batches that will expire. */
  readonly endedBatches: string
  /** Set: the summaries that have not ended. */
  readonly activeSummaries: string
  /** Sorted set id -> unix ms of its end: summaries that will expire. */
  readonly endedSummaries: string
  /** String, held by the process that sweeps. */
  readonly sweepLease: string
  /** String: the batch made under an idempotency key. */
  idempotency(hash: string): string
  /** String: `<unix ms>|<JSON>`, an answer and when it was given. */
  answer(hash: string): string
  /** Sorted set, all scores 0: the names of the extractors. */
  readonly extractorNames: string
  /** List: the versions of an extractor, JSON, version 1 first. */
  extractorVersions(name: string): string
  lane(name: string): {
    /** Sorted set `<worker id>|<concurrency>` -> unix ms until which it is taken to live. */
    readonly workers: string
    /** Hash batch id -> `<weight>|<demand>|<unix ms until>`: who shares the window. */
    readonly feeding: string
    /** String, MessagePack: the state of the quota; gone an hour after the last call. */
    readonly quota: string
    /** Hash: totals of calls, latencies, tokens and cost. */
    readonly stats: string
    /** Hash worker id -> `<calls in flight>|<waiting for quota>|<unix ms>`. */
    readonly gauges: string
  }
  /** Prefixes for BullMQ, each with its own hash tag. */
  readonly batchesQueuePrefix: string
  readonly summariesQueuePrefix: string
  laneQueuePrefix(lane: string): string
}

export function createKeys(prefix: string): Keys {
  return {
    prefix,
    batch(id) {
      const base = `${prefix}:{${id}}`
      return {
        meta: `${base}:meta`,
        blocks: `${base}:blocks`,
        open: `${base}:open`,
        runs: `${base}:runs`,
        calls: `${base}:calls`,
        unsettled: `${base}:unsettled`,
        tries: `${base}:tries`,
        twins: `${base}:twins`,
        parked: `${base}:parked`,
        requeue: `${base}:requeue`,
        results: `${base}:results`,
        done: `${base}:done`,
        failed: `${base}:failed`,
        changes: `${base}:changes`,
      }
    },
    summary: (id) => ({ meta: `${prefix}:{${id}}:meta`, changes: `${prefix}:{${id}}:changes` }),
    allBatches: `${prefix}:{batches}:all`,
    activeBatches: `${prefix}:{batches}:active`,
    stagingBatches: `${prefix}:{batches}:staging`,
    endedBatches: `${prefix}:{batches}:ended`,
    activeSummaries: `${prefix}:{summaries}:active`,
    endedSummaries: `${prefix}:{summaries}:ended`,
    sweepLease: `${prefix}:{batches}:sweep`,
    idempotency: (hash) => `${prefix}:idempotency:${hash}`,
    answer: (hash) => `${prefix}:answer:${hash}`,
    extractorNames: `${prefix}:{extractors}:names`,
    extractorVersions: (name) => `${prefix}:{extractors}:versions:${name}`,
    lane: (name) => ({
      workers: `${prefix}:{lane-${name}}:workers`,
      feeding: `${prefix}:{lane-${name}}:feeding`,
      quota: `${prefix}:{lane-${name}}:quota`,
      stats: `${prefix}:{lane-${name}}:stats`,
      gauges: `${prefix}:{lane-${name}}:gauges`,
    }),
    batchesQueuePrefix: `${prefix}:{batches}:queue`,
    summariesQueuePrefix: `${prefix}:{summaries}:queue`,
    laneQueuePrefix: (lane) => `${prefix}:{lane-${lane}}:queue`,
  }
}
