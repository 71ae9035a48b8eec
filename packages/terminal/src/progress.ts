import type { Batch } from '@sluice/contract/batch'

const widthsOfBar = [24, 12, 0]

/**
 * One line for a batch: a bar, how far it is, how fast it goes, what failed, how long it takes and what it costs; shorter than `columns`.
 * Where there is little room the bar gives first.
 */
export function progressLine(batch: Batch, itemsPerS: number | null, columns: number): string {
  const lines = widthsOfBar.map((width) => lineWith(width, batch, itemsPerS))
  return lines.find((line) => line.length < columns) ?? lines.at(-1)!.slice(0, Math.max(0, columns - 1))
}

function lineWith(widthOfBar: number, batch: Batch, itemsPerS: number | null): string {
  const { total, succeeded, failed, cancelled, running } = batch.counts
  const done = succeeded + failed + cancelled
  const share = total === 0 ? 1 : done / total
  const filled = Math.round(share * widthOfBar)
  const parts = [
    widthOfBar === 0 ? '' : `${nameOf(batch)} [${'#'.repeat(filled)}${'-'.repeat(widthOfBar - filled)}]`,
    `${String(Math.floor(share * 100)).padStart(widthOfBar === 0 ? 0 : 3)} %`,
    `${done}/${total}`,
    batch.status === 'in_progress' ? `${running} running` : batch.status,
    itemsPerS === null ? '' : `${itemsPerS.toFixed(1)}/s`,
    failed === 0 ? '' : `${failed} failed`,
    batch.eta_s === null || batch.status !== 'in_progress' ? '' : `about ${formatDuration(batch.eta_s.p50)} left`,
    batch.cost_usd === null ? '' : formatUsd(batch.cost_usd),
  ]
  return parts.filter((part) => part !== '').join('  ')
}

/** An inline extractor has no name; the command line says what its input is called. */
function nameOf({ extractor, metadata }: Batch): string {
  const { input } = metadata
  return extractor === 'inline' && typeof input === 'string' ? input : extractor
}

/** In the largest unit of which there are at least two. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.ceil(seconds / 3_600)} h`
  return `${Math.ceil(seconds / 86_400)} days`
}

/** Cents matter for large sums, their parts for small ones. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(usd >= 100 ? 2 : 4)}`
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
