import type { Batch } from '@sluice/contract/batch'

const widthsOfBar = [24, 12, 0]

/**
 * One line about a batch: bar, progress, speed, failures, time left and cost. It is shorter than `columns`; in a narrow window the
 * bar shrinks first.
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

/** An inline extractor has no name; the command line stores the name of its input. */
function nameOf({ extractor, metadata }: Batch): string {
  const { input } = metadata
  return extractor === 'inline' && typeof input === 'string' ? input : extractor
}

/** In the largest unit that gives at least 2. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.ceil(seconds / 3_600)} h`
  return `${Math.ceil(seconds / 86_400)} days`
}

/** Large amounts are shown to the cent, small ones to a hundredth of a cent. */
export function formatUsd(usd: number): string {
  return `$${usd.toFixed(usd >= 100 ? 2 : 4)}`
}

/** Items per second over the last few snapshots; null until there are two of them at least 250 ms apart. */
export function createSpeed(windowMs = 3_000): (done: number, nowMs: number) => number | null {
  const seen: { done: number; at: number }[] = []
  return (done, nowMs) => {
    seen.push({ done, at: nowMs })
    while (seen.length > 2 && nowMs - seen[1]!.at >= windowMs) seen.shift()
    const first = seen[0]!
    return nowMs - first.at < 250 ? null : ((done - first.done) * 1_000) / (nowMs - first.at)
  }
}
