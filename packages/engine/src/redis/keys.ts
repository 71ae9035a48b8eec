/**
 * Every Redis key of Sluice, and its format. This is the only place that documents them.
 *
 * A hash tag `{...}` keeps the keys that one script touches in one cluster slot: one tag per batch or summary, one per lane, one for
 * the indexes of all batches, of all summaries and of all extractors. All keys begin with the configured prefix.
 * Times are unix ms as decimal text. `index` is an item's place in its batch, from 0.
 */
export interface BatchKeys {
  // Keys marked "sharded" have one part for each range of items: see `shardKey`.
  /** Hash: the batch itself: its status, extractor, options, counters, usage. Its fields are declared by the batch-meta module. */
  readonly meta: string
  /** Stream, sharded: the staged items. Entry id `<index after the block's last item>-0`, field `z`: zstd of a JSON array of up to 64 items. */
  readonly blocks: string
  /** Hash index -> feed number: the items in the lane's queue or on a worker, so the batch's use of the window. */
  readonly open: string
  /** Hash index -> run token: the items that a worker holds. Only the run with this token may change the item. */
  readonly runs: string
  /** Hash index -> `<call id>|<expected cost in nano-dollars>`: the calls in flight, or cut off by the death of their worker. */
  readonly calls: string
  /** Hash call id -> expected cost: calls whose item another run took while they were in flight. Their cost is counted if it is reported. */
  readonly overtaken: string
  /** Set of indexes: a call was made and how it ended is not known, so it may have been paid. */
  readonly unsettled: string
  /**
   * Hash index -> JSON (`Tries` in ledger/run.ts): what an item has used of its budgets, until it is done. And `first:<index>` -> time
   * when the item was first taken, where the batch limits the time of an item; and `lost:<index>` -> runs that were lost with their process.
   */
  readonly tries: string
  /**
   * Hash, sharded by the hash of the text: hash of a text -> index of the item that makes, or made, the call for all items with this text; `-` once it failed, and then each
   * item makes its own call. Only for batches that compare texts.
   */
  readonly twins: string
  /** Sorted set: index -> index of the item with the same text that it waits for. Only in batches that an earlier version began. */
  readonly parked: string
  /**
   * Hash, sharded: the items that wait for the item with the same text, as a chain: `last:<index of that item>` -> index of the item
   * that was parked last, and index -> index of the item that was parked before, empty for the first.
   */
  readonly chains: string
  /** Set of indexes: items that are done, and for which more items wait than go back to the feeder in one step. */
  readonly releasing: string
  /** List of indexes that are fed before new items: after a pause, a retry, or when the item they were parked for is done. */
  readonly requeue: string
  /** Hash, sharded: index -> `<position in done>|<JSON>` (`StoredResult` in ledger/stored-result.ts): the one result of each item that is done. */
  readonly results: string
  /** List of indexes, sharded by position, in the order of completion. An item that was retried appears again; the position in `results` is the valid one. */
  readonly done: string
  /** Set, sharded: indexes whose result is a failure. */
  readonly failed: string
  /** Hash, sharded: index -> id of its group: the failures that are in a group. */
  readonly grouped: string
  /** Hash: the groups of failures, at most 100: see ledger/failure-groups.lua. */
  readonly groups: string
  /** Hash index -> JSON (`Attempt` in ledger/run.ts): the calls of items that took several, or failed; of the first 10,000 such items. */
  readonly attempts: string
  /** List of `<time>|<type>|<message>`: what happened to it, the newest 200 (ledger/timeline.lua). */
  readonly timeline: string
  /** List of `<time>|<succeeded>|<failed>|<cost in nano-dollars>|<items per second that the lane allows, or empty>`: at most 300 (ledger/sample.lua). */
  readonly samples: string
  /** Pub/sub channel: the batch changed. The message is its status, or `changed`; readers only use that it came. */
  readonly changes: string
}

/** Also of the parts of an upload, which have no `meta`. */
interface FileKeys {
  /** Hash: the file itself (files/file-record.ts). */
  readonly meta: string
  /** Stream: its bytes. Entry id `<offset after the block's last byte>-0`, field `z`: zstd of up to 128 KB. A batch's output has none. */
  readonly bytes: string
}

interface FileUploadKeys {
  /** Hash: the upload itself. */
  readonly meta: string
  /** Hash part id -> its number of bytes. */
  readonly parts: string
}

interface FileBatchKeys {
  /** Hash: the batch as its user sees it (file-batches/file-batch-store.ts). Its items are those of the batch with the same id. */
  readonly record: string
  /** Pub/sub channel of the batch with the same id. */
  readonly changes: string
}

/** All under one hash tag: a script changes a delivery together with the indexes. */
interface WebhookKeys {
  /** Sorted set, all scores 0: the ids of all deliveries. They sort by time. */
  readonly all: string
  /** Set of delivery ids: those with a job. The sweeper adds it if it is lost. */
  readonly pending: string
  /** Sorted set: delivery id -> time at which the sweeper removes it. */
  readonly expiring: string
  /** Sorted set: endpoint id -> when the `webhook` of a batch or summary last got an event. */
  readonly targets: string
  /** Set of delivery ids: those that wait until this endpoint is enabled. */
  readonly held: (endpointId: string) => string
  /** String, JSON: a delivery (webhooks/delivery-store.ts). */
  readonly delivery: (id: string) => string
  /** Hash: what is known of an endpoint: whether it is disabled and why, its last attempts; the URL if it is not in the configuration. */
  readonly endpoint: (id: string) => string
}

interface SummaryKeys {
  /** Hash: the summary itself: its status, level, options, text. Expires after 10 minutes while its text is being stored. */
  readonly meta: string
  /** Pub/sub channel: the summary changed. The message is `changed`. */
  readonly changes: string
}

export interface LaneKeys {
  /** Sorted set `<worker id>|<items it holds at most>|<calls in flight at most>` -> time until which it counts as alive. */
  readonly workers: string
  /** Sorted set batch id -> virtual start time: the batches that have items for the window, in the order of their turns. */
  readonly ready: string
  /** The same of batches that have items left and have reached their own concurrency. */
  readonly capped: string
  /** String: the virtual time, that of the last turn. A batch that becomes ready joins at it. */
  readonly clock: string
  /** String: id of the worker that feeds the lane; expires 3 s after that worker last renewed it. */
  readonly feeder: string
  /** Pub/sub channel: a batch became ready, or the lane has no feeder. */
  readonly changes: string
  /** Hash, MessagePack: the state of the quota (exchange.lua), shared and for each model. Expires some time after the last call. */
  readonly quota: string
  /**
   * Hash of totals since the lane's first call: `calls <outcome type>`, `latency <upper bound in s, or more>` (not cumulative),
   * `latency sum` (ms), `repeated`, `input_tokens`, `cached_input_tokens`, `output_tokens`, `nano_usd`.
   */
  readonly stats: string
  /** Hash worker id -> `<calls in flight>|<calls waiting for quota>|<time when written>`; a worker without either has no entry. */
  readonly gauges: string
}

export interface Keys {
  readonly prefix: string
  /** String: the format of all data under the prefix (redis/format.ts). A process that reads older formats only does not start. */
  readonly format: string
  batch(id: string): BatchKeys
  /** Globs of the channels on which all batches, and all summaries, say that they changed. */
  readonly allChanges: readonly string[]
  summary(id: string): SummaryKeys
  lane(name: string): LaneKeys
  file(id: string): FileKeys
  fileUpload(id: string): FileUploadKeys
  fileBatch(id: string): FileBatchKeys
  readonly files: {
    /** Sorted set, all scores 0: the ids of all files. They sort by time. */
    readonly all: string
    /** Hash file or part id -> bytes that it takes in Redis. */
    readonly sizes: string
    /** String: the sum of `sizes`. */
    readonly total: string
    /** Sorted set: file id -> when bytes last came, while it is being sent. The sweeper removes it 10 minutes after. */
    readonly arriving: string
    /** Sorted set: file id -> time at which the sweeper removes it. */
    readonly expiring: string
    /** Sorted set: upload id -> time at which the sweeper removes it with its parts. */
    readonly uploads: string
  }
  readonly webhooks: WebhookKeys
  /** Sorted set, all scores 0: the ids of all batches over files. */
  readonly allFileBatches: string
  /** Set of ids: those that have not ended. The sweeper adds their job if it is lost. */
  readonly activeFileBatches: string
  /** Sorted set: id -> time at which the sweeper removes the record of the batch. */
  readonly expiringFileBatches: string
  /** Sorted set, all scores 0: the ids of all batches that users see. Their ids sort by time. */
  readonly allBatches: string
  /** Set of batch ids: those that have not ended, or whose end is not handled yet. The sweeper repairs them. */
  readonly activeBatches: string
  /**
   * Sorted set: batch id -> time; 10 minutes after it the sweeper removes the batch if it still is not sealed. Renewed while items come.
   * The time of an upload is set so that it has 24 hours.
   */
  readonly stagingBatches: string
  /** Sorted set: batch id -> time of its end. `batches/retention.ts` enters ended batches; the sweeper removes them after the retention time. */
  readonly endedBatches: string
  /** Sorted set: batch id -> time at which the sweeper removes it: ended batches with a separate retention time. */
  readonly expiringBatches: string
  /** Set of summary ids: as `activeBatches`. */
  readonly activeSummaries: string
  /** Sorted set, all scores 0: the ids of all summaries. Their ids sort by time. */
  readonly allSummaries: string
  /** Sorted set: summary id -> time of its end: as `endedBatches`. */
  readonly endedSummaries: string
  /** Sorted set: worker id -> when it last announced itself, by the clock of Redis. */
  readonly workersAlive: string
  /** Names a cluster slot: whether Redis takes writes is tried with `<prefix>:{...}:probe` (string, expires after a second). */
  readonly probe: string
  /** String: id of the worker that sweeps; expires 15 s after that worker last renewed it. */
  readonly sweepLease: string
  /**
   * String `<batch or summary id> <fingerprint of the request>`, while it is being stored (60 s, renewed), or the same and ` settled`
   * (7 days). `hash` is SHA-256 of the Idempotency-Key in hex.
   */
  idempotency(hash: string): string
  /** String `<time>|<JSON>`: an answer to a text and when it was given. Expires after the `cache_s` of the batch that stored it. */
  answer(hash: string): string
  /** Sorted set, all scores 0: the names of the extractors. */
  readonly extractorNames: string
  /** List of JSON `{content, created_at}`: the versions of an extractor, version 1 first. `content` is JSON, `created_at` unix seconds. */
  extractorVersions(name: string): string
  /** Prefixes of BullMQ's own keys, `<prefix>:<queue name>:...`. Each has its own hash tag. */
  readonly batchesQueuePrefix: string
  readonly summariesQueuePrefix: string
  readonly filesQueuePrefix: string
  readonly webhooksQueuePrefix: string
  laneQueuePrefix(lane: string): string
}

/**
 * The items of one shard. So the largest key of a batch of 100 million items has 65,536 of them, whatever the batch's size: no key of
 * tens of GB, which Redis could neither resize nor move to another node without a long pause. Decision 0048 has the numbers.
 */
export const itemsPerShard = 65_536

/**
 * The part of a sharded key that has the entry of item `index` (of `done`: of a position). The first one is the key itself.
 * `perShard`: the batch's `items_per_shard`. Lua: ledger/shards.lua.
 */
export function shardKey(key: string, index: number, perShard: number): string {
  const shard = perShard === 0 ? 0 : Math.floor(index / perShard)
  return shard === 0 ? key : `${key}:${shard}`
}

/** The parts of a sharded key for `count` items. */
export function shardKeys(key: string, count: number, perShard: number): string[] {
  const shards = perShard === 0 ? 1 : Math.max(1, Math.ceil(count / perShard))
  return Array.from({ length: shards }, (_, shard) => shardKey(key, shard * perShard, perShard))
}

export function createKeys(prefix: string): Keys {
  return {
    prefix,
    format: `${prefix}:format`,
    batch(id) {
      const base = `${prefix}:{${id}}`
      return {
        meta: `${base}:meta`,
        blocks: `${base}:blocks`,
        open: `${base}:open`,
        runs: `${base}:runs`,
        calls: `${base}:calls`,
        overtaken: `${base}:overtaken`,
        unsettled: `${base}:unsettled`,
        tries: `${base}:tries`,
        twins: `${base}:twins`,
        parked: `${base}:parked`,
        chains: `${base}:chains`,
        releasing: `${base}:releasing`,
        requeue: `${base}:requeue`,
        results: `${base}:results`,
        done: `${base}:done`,
        failed: `${base}:failed`,
        grouped: `${base}:grouped`,
        groups: `${base}:groups`,
        attempts: `${base}:attempts`,
        timeline: `${base}:timeline`,
        samples: `${base}:samples`,
        changes: `${base}:changes`,
      }
    },
    allChanges: [`${prefix}:{batch_*}:changes`, `${prefix}:{summary_*}:changes`],
    summary: (id) => ({ meta: `${prefix}:{${id}}:meta`, changes: `${prefix}:{${id}}:changes` }),
    file: (id) => ({ meta: `${prefix}:{${id}}:meta`, bytes: `${prefix}:{${id}}:bytes` }),
    fileUpload: (id) => ({ meta: `${prefix}:{${id}}:meta`, parts: `${prefix}:{${id}}:parts` }),
    fileBatch: (id) => ({ record: `${prefix}:{${id}}:file-batch`, changes: `${prefix}:{${id}}:changes` }),
    files: {
      all: `${prefix}:{files}:all`,
      sizes: `${prefix}:{files}:sizes`,
      total: `${prefix}:{files}:total`,
      arriving: `${prefix}:{files}:arriving`,
      expiring: `${prefix}:{files}:expiring`,
      uploads: `${prefix}:{files}:uploads`,
    },
    webhooks: {
      all: `${prefix}:{webhooks}:all`,
      pending: `${prefix}:{webhooks}:pending`,
      expiring: `${prefix}:{webhooks}:expiring`,
      targets: `${prefix}:{webhooks}:targets`,
      held: (endpointId) => `${prefix}:{webhooks}:held:${endpointId}`,
      delivery: (id) => `${prefix}:{webhooks}:delivery:${id}`,
      endpoint: (id) => `${prefix}:{webhooks}:endpoint:${id}`,
    },
    allFileBatches: `${prefix}:{file-batches}:all`,
    activeFileBatches: `${prefix}:{file-batches}:active`,
    expiringFileBatches: `${prefix}:{file-batches}:expiring`,
    allBatches: `${prefix}:{batches}:all`,
    activeBatches: `${prefix}:{batches}:active`,
    stagingBatches: `${prefix}:{batches}:staging`,
    endedBatches: `${prefix}:{batches}:ended`,
    expiringBatches: `${prefix}:{batches}:expiring`,
    allSummaries: `${prefix}:{summaries}:all`,
    activeSummaries: `${prefix}:{summaries}:active`,
    endedSummaries: `${prefix}:{summaries}:ended`,
    workersAlive: `${prefix}:{workers}:alive`,
    probe: `${prefix}:{batches}:probe`,
    sweepLease: `${prefix}:{batches}:sweep`,
    idempotency: (hash) => `${prefix}:idempotency:${hash}`,
    answer: (hash) => `${prefix}:answer:${hash}`,
    extractorNames: `${prefix}:{extractors}:names`,
    extractorVersions: (name) => `${prefix}:{extractors}:versions:${name}`,
    lane: (name) => ({
      workers: `${prefix}:{lane-${name}}:workers`,
      ready: `${prefix}:{lane-${name}}:ready`,
      capped: `${prefix}:{lane-${name}}:capped`,
      clock: `${prefix}:{lane-${name}}:clock`,
      feeder: `${prefix}:{lane-${name}}:feeder`,
      changes: `${prefix}:{lane-${name}}:changes`,
      quota: `${prefix}:{lane-${name}}:limits`,
      stats: `${prefix}:{lane-${name}}:stats`,
      gauges: `${prefix}:{lane-${name}}:gauges`,
    }),
    batchesQueuePrefix: `${prefix}:{batches}:queue`,
    summariesQueuePrefix: `${prefix}:{summaries}:queue`,
    filesQueuePrefix: `${prefix}:{file-batches}:queue`,
    webhooksQueuePrefix: `${prefix}:{webhooks}:queue`,
    laneQueuePrefix: (lane) => `${prefix}:{lane-${lane}}:queue`,
  }
}
