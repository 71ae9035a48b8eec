import type { Call, ProviderResponse } from '@sluice/contract/outcome'
import { addUsage, noUsage } from '@sluice/contract/usage'
import type { Ledger } from '../ledger/ledger.ts'
import { type CallEnd, type Cost, noCost, noTries, type Tries } from '../ledger/run.ts'
import { ofItem, type StoredResult } from '../ledger/stored-result.ts'
import type { Answer, Answers } from './answer-cache.ts'
import type { RunEnd } from './run-end.ts'
import type { AnswerWithoutCall, HeldItem, ItemError, TakenItem } from './take-item.ts'

/** The call that decided about the item, not yet in its tries except for its cost. */
export interface LastCall {
  /** Null: the item ends without a call, or with one that has no answer. */
  readonly call: Call | null
  readonly cost: Cost
  readonly end: CallEnd
}

export const noLastCall: LastCall = { call: null, cost: noCost, end: 'settled' }
/** Aborted while it was under way: it may have been paid. */
export const unsettledCall: LastCall = { call: null, cost: noCost, end: 'unsettled' }

/** Records the one result of an item. Each resolves to `dropped` when another run holds the item by now. */
export interface RecordItem {
  success(held: HeldItem, answer: Answer, last: LastCall): Promise<RunEnd>
  failure(held: HeldItem, error: ItemError, last: LastCall): Promise<RunEnd>
  withoutCall(taken: TakenItem, answer: AnswerWithoutCall): Promise<RunEnd>
}

export interface RecordItemDependencies {
  readonly ledger: Ledger
  readonly answers: Answers
}

export function createRecordItem({ ledger, answers }: RecordItemDependencies): RecordItem {
  return {
    async success({ run, item, recipe, textHash, tries }, answer, { call, cost, end }) {
      const result: StoredResult = { ...ofItem(item, run.index), status: 'succeeded', ...answer, ...used(tries, call) }
      const { cache_s: cacheS } = recipe.options
      // Sent before the result: a worker that is killed in between must not leave a result whose answer was not kept. An answer that cannot
      // be kept costs one more call of a later batch; the result must not be lost for it.
      const keeping =
        cacheS === undefined
          ? undefined
          : answers.keep(recipe.task, item.text, answer, cacheS * 1_000).catch(() => undefined)
      const origin = { textHash, attempts: tries.attempts }
      const [recorded] = await Promise.all([ledger.record(run, 'succeeded', result, cost, end, origin), keeping])
      return { type: recorded === 'recorded' ? 'succeeded' : 'dropped' }
    },

    async failure({ run, item, textHash, tries }, error, { call, cost, end }) {
      const raw = call?.raw ?? tries.reasks.at(-1)?.raw
      const response = call?.response
      const result: StoredResult = {
        ...ofItem(item, run.index),
        status: 'failed',
        error,
        ...(raw === undefined ? {} : { raw }),
        ...(response === undefined ? {} : { response: shownResponse(response) }),
        ...used(tries, call),
      }
      const recorded = await ledger.record(run, 'failed', result, cost, end, { textHash, attempts: tries.attempts })
      if (recorded === 'stale') return { type: 'dropped' }
      return { type: 'failed', message: `${error.type}: ${error.message} (item '${item.id}')` }
    },

    async withoutCall({ run, item, textHash }, { countedAs, duplicateOf, ...answer }) {
      const result: StoredResult = {
        ...ofItem(item, run.index),
        status: 'succeeded',
        ...answer,
        ...(duplicateOf === undefined ? { cached: true } : { duplicate_of: duplicateOf }),
        usage: noTries.usage,
        attempts: 0,
      }
      // An item that got the answer of another is not the one whose answer others get.
      const sameness = countedAs === 'deduplicated' ? { withoutCall: countedAs } : { textHash, withoutCall: countedAs }
      const recorded = await ledger.record(run, 'succeeded', result, noCost, 'settled', sameness)
      return { type: recorded === 'recorded' ? 'succeeded' : 'dropped' }
    },
  }
}

/** As results show it. */
export function shownResponse({ status, requestId, body }: ProviderResponse): NonNullable<StoredResult['response']> {
  return { status_code: status, request_id: requestId, body }
}

function used(before: Tries, call: Call | null): Pick<StoredResult, 'usage' | 'cost_usd' | 'attempts'> {
  return {
    usage: addUsage(before.usage, call?.usage ?? noUsage),
    ...(before.nanoUsd > 0 ? { cost_usd: before.nanoUsd / 1e9 } : {}),
    attempts: before.calls + (call === null ? 0 : 1),
  }
}
