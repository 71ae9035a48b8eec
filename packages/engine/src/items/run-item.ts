import type { Deadlines } from '@sluice/contract/batch'
import type { LongTexts } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { Item } from '@sluice/contract/item'
import { type Call, paid } from '@sluice/contract/outcome'
import type { FailureType, Result } from '@sluice/contract/result'
import type { Answer, Answers } from './answer-cache.ts'
import { itemDeadlines } from './deadlines.ts'
import { backoffMs, decide, type RetryPolicy, withCall } from './decide.ts'
import type { Ledger, Opened } from '../ledger/ledger.ts'
import { type CallEnd, type Cost, noCost, noTries, type Run, type Tries } from '../ledger/run.ts'
import type { MakeCall } from './make-call.ts'
import type { Money } from './prices.ts'
import { afterPart, nextRequest, ofPart, wholeAnswer, withParts } from './long-text.ts'
import { overCost } from '../ledger/pause-reason.ts'
import { QuotaTooLargeError } from '../quota/quota.ts'
import { ofItem, parseStored, type StoredResult } from '../ledger/stored-result.ts'
import { hashText } from './text-hash.ts'
import { isOutage, UnexpectedError } from './unexpected-error.ts'

/** How one run of an item ended. */
export type RunEnd =
  | { readonly type: 'succeeded' }
  | { readonly type: 'failed'; readonly message: string }
  /** Not ours (any more): recorded, fed anew, paused, cancelled or deleted. */
  | { readonly type: 'dropped' }
  /** To be run again after `delayMs`; costs one of the item's tries, which are kept in the ledger. */
  | { readonly type: 'retry'; readonly delayMs: number; readonly message: string }
  /** The same, after an error that nobody expected. */
  | { readonly type: 'threw'; readonly delayMs: number; readonly error: UnexpectedError }
  /** The process stops: the job goes back to the queue. */
  | { readonly type: 'handed-back' }

/** Why a run is aborted: the reason of its signal. */
export type AbortReason = 'shutdown' | 'batch-cancelled' | 'lock-lost'

/** Calls of an item that may end in an error that nobody expected: each may have been paid. */
const mostThrown = 3

export interface RunItemDependencies {
  readonly ledger: Ledger
  readonly makeCall: MakeCall
  readonly readItem: (batchId: string, index: number) => Promise<Item | null>
  readonly readRecipe: (batchId: string) => Promise<Recipe | null>
  /** Pauses every batch of the lane. */
  readonly pauseLane: (reason: string) => Promise<void>
  /** Pauses the one batch. */
  readonly pauseBatch: (batchId: string, reason: string) => Promise<void>
  readonly longTexts: LongTexts
  readonly answers: Answers
  readonly policy: RetryPolicy
  readonly money: Money
  readonly onCall: (call: Call, nanoUsd: number) => void
}

/** What of a batch is the same for all its items. */
export interface Recipe {
  readonly extractor: Extractor
  readonly deadlines: Deadlines
  /** Items with the same text are asked for once. */
  readonly deduplicate: boolean
  /** How old an answer to an earlier batch may be; null: none is taken, and none is kept. */
  readonly cacheMs: number | null
  /** A text that is longer than the lane's context is asked in parts; not for a summary, whose parts would not make one. */
  readonly cutsTexts: boolean
}

/** One item's life on a worker: recorded already? stop. Reserve quota. Call. Decide. Record. */
export function createRunItem(
  dependencies: RunItemDependencies,
): (run: Run, options: { signal: AbortSignal }) => Promise<RunEnd> {
  const { ledger, makeCall, readItem, readRecipe, pauseLane, pauseBatch, longTexts, answers, policy, money, onCall } =
    dependencies

  return async (run, { signal }) => {
    const recipe = await readRecipe(run.batchId)
    if (recipe === null) return { type: 'dropped' }
    const { extractor, deadlines, cacheMs } = recipe
    const readFirst = recipe.deduplicate ? await readItem(run.batchId, run.index) : undefined
    if (readFirst === null) return { type: 'dropped' }
    const textHash = readFirst && hashText(readFirst.text)
    const taken = await ledger.take(run, { keepsTime: deadlines.item_s !== undefined, textHash })
    if (taken.type !== 'taken' && taken.type !== 'twin') return { type: 'dropped' }
    const item = readFirst ?? (await readItem(run.batchId, run.index))
    if (item === null) return { type: 'dropped' }
    if (taken.type === 'twin') {
      const answer = answerOf(parseStored(taken.index, taken.stored).result)
      return answerWithoutCall('deduplicated', { ...answer, duplicate_of: taken.index })
    }
    if (cacheMs !== null) {
      const kept = await answers.find(extractor, item.text, cacheMs)
      if (kept !== null) return answerWithoutCall('cached', { ...kept, cached: true })
    }

    let { tries } = taken
    if (item.failure !== undefined) return fail(item.failure, tries, noCost, null, 'settled')
    const until = itemDeadlines(deadlines, taken, Date.now())
    if (until.over !== null) return fail({ type: 'timed_out', message: until.over }, tries, noCost, null, 'settled')
    let begin = until.begin
    if (recipe.cutsTexts) tries = await withParts(tries, longTexts, extractor, item.text)
    const callUntilDone = async (): Promise<RunEnd> => {
      for (;;) {
        const request = nextRequest(extractor, item.text, tries)
        const made = await makeCall(run, tries, request, { signal, begin, end: until.end, callMs: until.callMs })
        if (made === 'late' || made === 'cut-off') {
          const error = { type: 'timed_out', message: until.message() } as const
          return fail(error, tries, noCost, null, made === 'cut-off' ? 'unsettled' : 'settled')
        }
        if (made === 'aborted') return aborted(run, signal)
        if (made instanceof QuotaTooLargeError) {
          return fail({ type: 'too_large', message: made.message }, tries, noCost, null, 'settled')
        }
        if (typeof made === 'string') return giveUp(made)
        const call = made
        begin = null

        const wasPaid = paid(call)
        onCall(call, money.of(call))
        const cost: Cost = {
          paidCalls: wasPaid === 'yes' ? 1 : 0,
          usage: call.usage,
          cachedInputTokens: call.cachedInputTokens,
          nanoUsd: money.of(call),
        }
        tries = { ...tries, nanoUsd: tries.nanoUsd + cost.nanoUsd }
        const end = wasPaid === 'unknown' ? 'unsettled' : 'settled'
        const decision = decide(call, tries, { ...policy, reasks: extractor.reasks })
        switch (decision.type) {
          case 'succeed': {
            const next = afterPart(withCall(tries, call), decision.data)
            if (next !== null) {
              tries = next
              if ((await ledger.closeCall(run, tries, cost, end)) === 'stale') return { type: 'dropped' }
              continue
            }
            const whole = wholeAnswer(tries, longTexts, extractor, decision.data)
            if (!whole.valid) {
              return fail({ type: 'invalid_output', message: whole.errors.join('\n') }, tries, cost, call, end)
            }
            const { valid: _valid, ...answer } = whole
            const result = { status: 'succeeded' as const, ...answer, ...used(tries, call) }
            const recorded = await ledger.record(run, 'succeeded', stored(item, run.index, result), cost, end, {
              textHash,
            })
            if (cacheMs !== null) await answers.keep(extractor, item.text, answer, cacheMs)
            return { type: recorded === 'recorded' ? 'succeeded' : 'dropped' }
          }
          case 'fail':
            return fail({ ...decision.error, message: ofPart(tries, decision.error.message) }, tries, cost, call, end)
          case 'ask-again':
          case 'wait': {
            tries = decision.tries
            if ((await ledger.closeCall(run, tries, cost, end)) === 'stale') return { type: 'dropped' }
            continue
          }
          case 'retry': {
            if ((await ledger.closeCall(run, decision.tries, cost, end)) === 'stale') return { type: 'dropped' }
            await ledger.letGo(run, 'wait')
            return { type: 'retry', delayMs: decision.delayMs, message: decision.message }
          }
          case 'pause-lane': {
            if ((await ledger.closeCall(run, decision.tries, cost, end)) === 'stale') return { type: 'dropped' }
            await pauseLane(decision.reason)
            return giveUp('paused')
          }
          default:
            return decision satisfies never
        }
      }
    }

    try {
      return await callUntilDone()
    } catch (error) {
      if (signal.aborted || isOutage(error)) throw error
      return await threw(error)
    }

    async function answerWithoutCall(
      withoutCall: 'deduplicated' | 'cached',
      from: Answer & Pick<StoredResult, 'duplicate_of' | 'cached'>,
    ): Promise<RunEnd> {
      const result = { status: 'succeeded' as const, ...from, usage: noTries.usage, attempts: 0 }
      // One that has the answer of another is not asked for the others.
      const how = withoutCall === 'deduplicated' ? { withoutCall } : { textHash, withoutCall }
      const recorded = await ledger.record(run, 'succeeded', stored(item!, run.index, result), noCost, 'settled', how)
      return { type: recorded === 'recorded' ? 'succeeded' : 'dropped' }
    }

    /** The last net: without it BullMQ would run the item, and pay for it, again and again. Rejects when Redis does not answer. */
    async function threw(error: unknown): Promise<RunEnd> {
      const thrown = (tries.thrown ?? 0) + 1
      tries = { ...tries, calls: tries.calls + 1, thrown }
      if ((await ledger.closeCall(run, tries, noCost, 'unsettled')) === 'stale') return { type: 'dropped' }
      const unexpected = new UnexpectedError(error)
      if (thrown >= mostThrown)
        return fail({ type: 'internal_error', message: unexpected.message }, tries, noCost, null, 'unsettled')
      await ledger.letGo(run, 'wait')
      return { type: 'threw', delayMs: backoffMs(thrown, policy, Math.random), error: unexpected }
    }

    async function fail(
      error: { type: FailureType; message: string },
      before: Tries,
      cost: Cost,
      call: Call | null,
      end: CallEnd,
    ): Promise<RunEnd> {
      const raw = call?.raw ?? before.reasks.at(-1)?.raw
      const result = { status: 'failed' as const, error, ...(raw === undefined ? {} : { raw }), ...used(before, call) }
      const recorded = await ledger.record(run, 'failed', stored(item!, run.index, result), cost, end, { textHash })
      if (recorded === 'stale') return { type: 'dropped' }
      return { type: 'failed', message: `${error.type}: ${error.message} (item '${item!.id}')` }
    }

    async function giveUp(why: Exclude<Opened, 'opened'>): Promise<RunEnd> {
      if (why === 'over-cost') await pauseBatch(run.batchId, overCost)
      if (why === 'paused' || why === 'over-cost') await ledger.letGo(run, 'requeue')
      if (why === 'cancelled') await ledger.letGo(run, 'cancel')
      return { type: 'dropped' }
    }

    async function aborted(mine: Run, aborting: AbortSignal): Promise<RunEnd> {
      const reason = aborting.reason as AbortReason
      switch (reason) {
        case 'batch-cancelled':
          return giveUp('cancelled')
        case 'shutdown':
          return (await ledger.letGo(mine, 'wait')) === 'done' ? { type: 'handed-back' } : { type: 'dropped' }
        case 'lock-lost':
          // Another worker has it, or will: nothing of it is ours to touch.
          return { type: 'dropped' }
        default:
          return reason satisfies never
      }
    }
  }
}

function used(before: Tries, call: Call | null): Pick<StoredResult, 'usage' | 'cost_usd' | 'attempts'> {
  return {
    usage: {
      input_tokens: before.usage.input_tokens + (call?.usage.input_tokens ?? 0),
      output_tokens: before.usage.output_tokens + (call?.usage.output_tokens ?? 0),
    },
    ...(before.nanoUsd > 0 ? { cost_usd: before.nanoUsd / 1e9 } : {}),
    attempts: before.calls + (call === null ? 0 : 1),
  }
}

function answerOf({ data, parts }: Pick<Result, 'data' | 'parts'>): Answer {
  return parts === undefined ? { data } : { data, parts }
}

function stored(item: Item, index: number, result: Omit<StoredResult, 'id' | 'metadata'>): StoredResult {
  return { ...ofItem(item, index), ...result }
}
