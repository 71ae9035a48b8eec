import type { Batch } from '@sluice/contract/batch'

const widthOfBar = 24

/** One line for a batch: a bar, how far it is, how fast it goes and what failed; at most `columns` characters. */
export function progressLine(batch: Batch, itemsPerS: number | null, columns: number): string {
  const { total, succeeded, failed, cancelled, running } = batch.counts
  const done = succeeded + failed + cancelled
  const share = total === 0 ? 1 : done / total
  const filled = Math.round(share * widthOfBar)
  const parts = [
    `${batch.extractor} [${'#'.repeat(filled)}${'-'.repeat(widthOfBar - filled)}]`,
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    `${done}/${total}`,
    batch.status === 'in_progress' ? `${running} running` : batch.status,
    itemsPerS === null ? '' : `${itemsPerS.toFixed(1)}/s`,
    failed === 0 ? '' : `${failed} failed`,
    batch.eta_s === null || batch.status !== 'in_progress' ? '' : `about ${Math.ceil(batch.eta_s.p50)} s left`,
  ]
  const line = parts.filter((part) => part !== '').join('  ')
  return line.length < columns ? line : line.slice(0, Math.max(0, columns - 1))
}

/** Items a second over the last few snapshots; null until there are two with some time between them. */
export function createSpeed(windowMs = 3_000): (done: number, nowMs: number) => number | null {
  const seen: { done: number; at: number }[] = []
  return (done, nowMs) => {
    seen.push({ done, at: nowMs })
    while (seen.length > 2 && nowMs - seen[1]!.at >= windowMs) seen.shift()
    const first = seen[0]!
    return nowMs - first.at < 250 ? null : ((done - first.done) * 1_000) / (nowMs - first.at)
  }
}
