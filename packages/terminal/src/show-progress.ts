import type { Batch } from '@sluice/contract/batch'
import { createSpeed, formatUsd, progressLine } from './progress.ts'
import type { Screen } from './screen.ts'

/**
 * Shows the progress of a batch until its snapshots end, or until it is paused with no call in flight, and resolves to the last
 * snapshot: on a terminal as one line that changes, otherwise as a line every `plainEveryMs`. Undefined if there was no snapshot.
 */
export async function showProgress(
  snapshots: AsyncIterable<Batch>,
  screen: Screen,
  { plainEveryMs }: { readonly plainEveryMs: number },
): Promise<Batch | undefined> {
  const speed = createSpeed()
  let last: Batch | undefined
  let plainAt = 0
  try {
    for await (const batch of snapshots) {
      last = batch
      const nowMs = Date.now()
      const { succeeded, failed, cancelled, running } = batch.counts
      const itemsPerS = speed(succeeded + failed + cancelled, nowMs)
      screen.status((columns) => progressLine(batch, itemsPerS, columns))
      if (!screen.isLive && nowMs - plainAt >= plainEveryMs) {
        screen.say(progressLine(batch, itemsPerS, screen.columns))
        plainAt = nowMs
      }
      if (batch.status === 'paused' && running === 0) break
    }
  } finally {
    screen.status(null)
  }
  return last
}

/** How a batch ended, in one line. */
export function summaryLine(batch: Batch, screen: Pick<Screen, 'green' | 'red'>): string {
  if (batch.status === 'paused') return screen.red(`${batch.id} is paused: ${batch.pause_reason ?? 'no reason given'}`)
  const { total, succeeded, failed, cancelled } = batch.counts
  const tookS = batch.finished_at === null ? null : batch.finished_at - batch.created_at
  const parts = [
    `${succeeded} of ${total} succeeded`,
    failed === 0 ? '' : screen.red(`${failed} failed`),
    cancelled === 0 ? '' : screen.red(`${cancelled} cancelled`),
    tookS === null ? '' : `${tookS.toFixed(1)} s`,
    `${batch.usage.calls} calls`,
    `${batch.usage.input_tokens + batch.usage.output_tokens} tokens`,
    batch.cost_usd === null ? '' : formatUsd(batch.cost_usd),
  ]
  return screen.green(`${batch.id}: `) + parts.filter((part) => part !== '').join(', ')
}
