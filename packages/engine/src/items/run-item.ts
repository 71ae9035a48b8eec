import type { Run } from '../ledger/run.ts'
import { nextRequest } from './long-text.ts'
import type { MakeCall } from './make-call.ts'
import { noLastCall, type RecordItem } from './record-item.ts'
import type { RunEnd } from './run-end.ts'
import type { SettleCall } from './settle-call.ts'
import type { HeldItem, TakeItem } from './take-item.ts'
import { isOutage } from './unexpected-error.ts'

export interface RunItemDependencies {
  readonly takeItem: TakeItem
  readonly makeCall: MakeCall
  readonly settleCall: SettleCall
  readonly record: RecordItem
}

export type RunItem = (run: Run, options: { signal: AbortSignal }) => Promise<RunEnd>

/** One run of an item on a worker: take it, make calls until one settles it, record its result. */
export function createRunItem({ takeItem, makeCall, settleCall, record }: RunItemDependencies): RunItem {
  return async (run, { signal }) => {
    const result = await takeItem(run)
    switch (result.type) {
      case 'dropped':
        return { type: 'dropped' }
      case 'answered':
        return record.withoutCall(result.taken, result.answer)
      case 'failed':
        return record.failure(result.held, result.error, noLastCall)
      case 'held':
        return callUntilSettled(result.held, signal)
      default:
        return result satisfies never
    }
  }

  async function callUntilSettled(first: HeldItem, signal: AbortSignal): Promise<RunEnd> {
    let held = first
    try {
      for (let call = 1; ; call += 1) {
        held = { ...held, run: { ...held.run, call: `${held.run.token}.${call}` } }
        const request = nextRequest(held.recipe.extractor, held.item.text, held.tries)
        const made = await makeCall(held.run, held.tries, request, {
          signal,
          isIsolated: held.isSuspect,
          ...held.deadlines,
        })
        const settled = await settleCall.made(held, made, signal)
        if (settled.type === 'ended') return settled.end
        held = settled.held
      }
    } catch (error) {
      if (signal.aborted || isOutage(error)) throw error
      return settleCall.threw(held, error)
    }
  }
}
