import type { Batch } from '@sluice/contract/batch'
import { html } from 'htm/preact'
import { count, percent, shownPercent } from '../format.ts'

type Counts = Batch['counts']

/** Done of a batch in two colours: succeeded and failed; cancelled items end the bar without a colour. */
export function ProgressBar({ counts, label }: { counts: Counts; label: string }) {
  const done = counts.succeeded + counts.failed + counts.cancelled
  const text = `${count(counts.succeeded)} succeeded, ${count(counts.failed)} failed${counts.cancelled > 0 ? `, ${count(counts.cancelled)} cancelled` : ''}, of ${count(counts.total)}`
  const width = (part: number) => ({ width: `${percent(part, counts.total)}%` })
  return html`<div class="progress">
    <div
      class="bar"
      role="progressbar"
      aria-label=${label}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${Math.floor(percent(done, counts.total))}
      aria-valuetext=${text}
      title=${text}
    >
      <span class="bar-succeeded" style=${width(counts.succeeded)}></span>
      <span class="bar-failed" style=${width(counts.failed)}></span>
      <span class="bar-cancelled" style=${width(counts.cancelled)}></span>
    </div>
    <span class="bar-percent">${counts.total === 0 ? '–' : shownPercent(done, counts.total)}</span>
  </div>`
}
