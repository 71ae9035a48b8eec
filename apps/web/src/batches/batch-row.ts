import type { ReadonlySignal } from '@preact/signals'
import type { Batch } from '@sluice/contract/batch'
import { html } from 'htm/preact'
import { nowMs } from '../clock.ts'
import { ProgressBar } from '../elements/progress-bar.ts'
import { Status } from '../elements/status.ts'
import { count, money, rate, since, timeOf } from '../format.ts'
import { pathTo } from '../router.ts'
import { endedWithFailures, isEnded, rateOf, timeLeft, titleOf, whyPaused } from './batch-words.ts'

const shownMetadata = 3

export function BatchRow({ batch: { value: batch } }: { batch: ReadonlySignal<Batch> }) {
  const { counts } = batch
  const title = titleOf(batch)
  const left = timeLeft(batch)
  const perSecond = rateOf(batch)
  return html`<tr>
    <td class="batch-name">
      <a href=${pathTo('batch', { id: batch.id })}><bdi>${title}</bdi></a>
      <small>
        ${title !== batch.id && html`<code>${batch.id}</code> `}
        <bdi>${batch.extractor}</bdi> on <bdi>${batch.lane}</bdi>
        ${Object.entries(batch.extractor === 'summary' ? {} : batch.metadata)
          .slice(0, shownMetadata)
          .map(([name, value]) => html` <span class="chip"><bdi>${name}: ${short(value)}</bdi></span>`)}
      </small>
    </td>
    <td>
      <${Status} status=${batch.status} />
      ${batch.status === 'paused' && html`<small class="reason"><bdi>${whyPaused(batch)}</bdi></small>`}
      ${batch.hold !== null && batch.hold.until > nowMs.value / 1_000 && !isEnded(batch) && html`<small class="reason"><bdi>${batch.hold.reason}</bdi></small>`}
      ${endedWithFailures(batch) && html`<small class="reason error-text">${count(counts.failed)} failed</small>`}
    </td>
    <td class="batch-progress"><${ProgressBar} counts=${counts} label=${`Progress of ${title}`} /></td>
    <td class="number" data-label="Items">${count(counts.total)}</td>
    <td class="number" data-label="Rate">${perSecond === null ? '' : rate(perSecond)}</td>
    <td data-label="Time left">
      ${left !== null && html`<span title=${left.reason}>${left.time}${left.why !== null && html`<small class="reason">${left.why}</small>`}</span>`}
    </td>
    <td class="number" data-label="Cost">
      ${batch.cost_usd === null ? '' : money(batch.cost_usd)}
      ${batch.max_cost_usd !== null && html`<small>of ${money(batch.max_cost_usd)}</small>`}
    </td>
    <td data-label="Created"><span title=${timeOf(batch.created_at)}>${since(batch.created_at, nowMs.value)}</span></td>
  </tr>`
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
