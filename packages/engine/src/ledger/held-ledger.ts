import type { Keys } from '../redis/keys.ts'
import { type RedisGate, repeatUntilTaken } from '../redis/gate.ts'
import type { Ledger } from './ledger.ts'

export interface HeldLedgerDependencies {
  readonly ledger: Ledger
  readonly keys: Keys
  readonly gate: RedisGate
  /** Aborts when nothing may begin any more: steps that no money was spent on are given up. */
  readonly stopping: AbortSignal
  /** Aborts when the process ends: what is not written by now is lost. */
  readonly ending: AbortSignal
}

/**
 * The ledger as running items use it. An answer that was paid is kept in memory and its write repeated until Redis takes it or the
 * process must end. Nothing is taken or called while Redis refuses writes: such a step waits until it takes them.
 */
export function createHeldLedger({ ledger, keys, gate, stopping, ending }: HeldLedgerDependencies): Ledger {
  const repeat = <T>(batchId: string, act: () => Promise<T>) =>
    repeatUntilTaken(act, { gate, key: keys.batch(batchId).meta, signal: ending })
  const begin = async <T>(batchId: string, act: () => Promise<T>) => {
    const options = { gate, key: keys.batch(batchId).meta, signal: stopping }
    return repeatUntilTaken(async () => {
      await gate.whenOpen(stopping)
      return act()
    }, options)
  }
  return {
    ...ledger,
    take: (run, options) => begin(run.batchId, () => ledger.take(run, options)),
    openCall: (run, expected) => begin(run.batchId, () => ledger.openCall(run, expected)),
    closeCall: (run, ...rest) => repeat(run.batchId, () => ledger.closeCall(run, ...rest)),
    record: (run, ...rest) => repeat(run.batchId, () => ledger.record(run, ...rest)),
    letGo: (run, to) => repeat(run.batchId, () => ledger.letGo(run, to)),
    pause: (batchId, reason) => repeat(batchId, () => ledger.pause(batchId, reason)),
  }
}
