import type { Run } from '../ledger/run.ts'
import { isOutage } from '../redis/refusal.ts'
import type { MakeCall } from './make-call.ts'
import { noLastCall, type RecordItem } from './record-item.ts'
import type { RunEnd } from './run-end.ts'
import type { SettleCall } from './settle-call.ts'
import type { HeldItem, TakeItem } from './take-item.ts'

export interface RunItemDependencies {
  readonly takeItem: TakeItem
  readonly makeCall: MakeCall
  readonly settleCall: SettleCall
  readonly record: RecordItem
}

/** `signal` aborts the run, call and all. `stopping` aborts when no call may begin any more; one in flight may end. */
interface RunSignals {
  readonly signal: AbortSignal
  readonly stopping: AbortSignal
}

export type RunItem = (run: Run, signals: RunSignals) => Promise<RunEnd>

/** One run of an item on a worker: take it, make calls until one settles it, record its result. */
export function createRunItem({ takeItem, makeCall, settleCall, record }: RunItemDependencies): RunItem {
  return async (run, signals) => {
    const result = await takeItem(run)
    switch (result.type) {
      case 'dropped':
        return { type: 'dropped' }
      case 'answered':
        return record.withoutCall(result.taken, result.answer)
      case 'failed':
        return record.failure(result.held, result.error, noLastCall)
      case 'held':
        return callUntilSettled(result.held, signals)
      default:
        return result satisfies never
    }
  }

  async function callUntilSettled(first: HeldItem, signals: RunSignals): Promise<RunEnd> {
    let held = first
    try {
      for (let call = 1; ; call += 1) {
        held = { ...held, run: { ...held.run, call: `${held.run.token}.${call}` } }
        const request = held.task.nextRequest(held.item.text, held.tries)
        const isIsolated = held.isSuspect
        const made = await makeCall(held.run, held.tries, request, { ...signals, isIsolated, ...held.deadlines })
        const settled = await settleCall.made(held, made)
        if (settled.type === 'ended') return settled.end
        held = settled.held
      }
    } catch (error) {
      if (signals.signal.aborted || signals.stopping.aborted || isOutage(error)) throw error
      return settleCall.threw(held, error)
    }
  }
}
