import type { Redis } from 'ioredis'
import type { ReadLanePulse } from '../lanes/lane-pulse.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { noteEvent, noteSample } from '../ledger/timeline.ts'
import type { Keys } from '../redis/keys.ts'
import { limitPerSecond, modelOf } from './binding.ts'

/** A shorter hold is part of every rate limit. */
const notedHoldMs = 10_000

export interface SampleBatchDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly readPulse: ReadLanePulse
}

/**
 * Notes how far a batch is, at most once a second and less often the longer it takes, and when its lane is held. For its reporter, which
 * visits the batch anyway. `hasEnded`: the last sample is of the end.
 */
export function createSampler(
  { redis, keys, readPulse }: SampleBatchDependencies,
  batchId: string,
): (hasEnded: boolean) => Promise<void> {
  const k = keys.batch(batchId)
  let dueAt = 0
  let isHeld = false
  let fixed: Promise<{ readonly lane: string; readonly model: string | undefined }> | undefined

  return async (hasEnded) => {
    if (!hasEnded && Date.now() < dueAt) return
    const { lane, model } = await (fixed ??= readFixed())
    const [pulse, used] = await Promise.all([readPulse(lane), readUsed()])
    const limit = pulse === null ? null : limitPerSecond(pulse, { model, ...used })
    dueAt = Date.now() + (await noteSample(redis, k, limit))
    const known = pulse === null || hasEnded ? undefined : modelOf(pulse, model)
    if (known === undefined) return
    const heldMs = known.held_until === null ? 0 : known.held_until * 1_000 - Date.now()
    if (!isHeld && heldMs > notedHoldMs) {
      isHeld = true
      await noteEvent(redis, k, 'held', known.waits_for ?? 'The provider asked to wait.')
    } else if (isHeld && heldMs <= 0) {
      isHeld = false
      await noteEvent(redis, k, 'hold_ended', '')
    }
  }

  async function readFixed() {
    const meta = await readBatchMeta(redis, k, 'lane', 'extractor')
    return { lane: meta?.lane ?? '', model: meta?.extractor?.parameters.model }
  }

  async function readUsed() {
    const meta = await readBatchMeta(redis, k, 'succeeded', 'failed', 'calls', 'input_tokens', 'output_tokens')
    if (meta === null) return { items: 0, calls: 0, tokens: 0 }
    const { succeeded, failed, calls, input_tokens: input, output_tokens: output } = meta
    return { items: succeeded + failed, calls, tokens: input + output }
  }
}
