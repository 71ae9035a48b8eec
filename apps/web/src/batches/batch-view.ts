import type { Batch } from '@sluice/contract/batch'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { nowMs } from '../clock.ts'
import { LoadError } from '../elements/notice.ts'
import { ProgressBar } from '../elements/progress-bar.ts'
import { Status } from '../elements/status.ts'
import { bytes, count, duration, money, plural, rate, shortCount, since, timeOf } from '../format.ts'
import { ask, batchPath } from '../http.ts'
import { ItemView } from '../items/item-view.ts'
import { ItemsView } from '../items/items-view.ts'
import { listen } from '../live.ts'
import { useLoaded } from '../loading.ts'
import { goTo, pathTo, place } from '../router.ts'
import { BatchActions } from './batch-actions.ts'
import { BatchExtractor } from './batch-extractor.ts'
import { BatchCharts } from './batch-charts.ts'
import { isEnded, rateOf, timeLeft, titleOf, whyPaused } from './batch-words.ts'
import { Failures } from './failures.ts'
import { sayDone } from '../elements/notice.ts'

/** One batch: its state, what it did over time, its failures, and its items. */
export function BatchView({ id }: { id: string }) {
  const loaded = useLoaded(id, (signal) => ask<Batch>('GET', batchPath(id), { signal }))
  useEffect(() => {
    const ends = [
      listen('batch', (batch) => {
        if (batch.id === id) loaded.set(batch)
      }),
      listen('gone', (gone) => {
        if (gone.id !== id) return
        sayDone('This batch was deleted.')
        goTo('/')
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [id])
  const batch = loaded.data.value
  const { view, params } = place.value
  const title = batch === undefined ? id : titleOf(batch)
  useEffect(() => {
    document.title = `${title} · Sluice`
  }, [title])
  if (batch === undefined) {
    return loaded.error.value === null
      ? html`<p class="list-end">Loading…</p>`
      : html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`
  }
  const tab = (name: 'batch' | 'items', text: string) =>
    html`<a
      href=${pathTo(name, { id })}
      aria-current=${view === name || (name === 'items' && view === 'item') ? 'page' : undefined}
      >${text}</a
    >`
  return html`<p class="crumb"><a href="/">Batches</a></p>
    <div class="view-head">
      <div class="view-title">
        <h1><bdi>${title}</bdi> <${Status} status=${batch.status} /></h1>
        <div class="meta-line">
          ${title !== id && html`<code>${id}</code>`}
          <${TaskName} batch=${batch} />
          <span
            >Lane <a href="/lanes"><bdi>${batch.lane}</bdi></a></span
          >
          <span title=${timeOf(batch.created_at)}>Created ${since(batch.created_at, nowMs.value)}</span>
          ${Object.entries(batch.metadata).map(
            ([name, value]) =>
              html`<span class="chip"
                ><bdi>${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}</bdi></span
              >`,
          )}
        </div>
      </div>
      <${BatchActions} batch=${batch} set=${loaded.set} />
    </div>
    ${loaded.error.value !== null && html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`}
    <${Reason} batch=${batch} />
    <nav class="tabs" aria-label="Parts of the batch">${tab('batch', 'Overview')}${tab('items', `Items`)}</nav>
    ${
      view === 'batch' &&
      html`<${Overview} batch=${batch} /><${Failures} batch=${batch} /><${BatchCharts} batch=${batch} />
        ${batch.task === 'extraction' && html`<${BatchExtractor} key=${id} id=${id} />`}`
    }
    ${view === 'items' && html`<${ItemsView} batch=${batch} />`}
    ${view === 'item' && html`<${ItemView} key=${params['index']} batch=${batch} index=${Number(params['index'])} />`}`
}

/** What is done with its items: which extractor, or to which endpoint they are sent as they are. */
function TaskName({ batch: { task, extractor: label } }: { batch: Batch }) {
  if (task === 'request') return html`<span>Raw requests to <code>${label.replace(/^request /, '')}</code></span>`
  const name = label.split('@')[0]!
  const shown = html`<bdi>${label}</bdi>`
  return html`<span
    >Extractor ${label.includes('@') ? html`<a href=${pathTo('extractor', { name })}>${shown}</a>` : shown}</span
  >`
}

function Reason({ batch }: { batch: Batch }) {
  if (batch.status === 'paused')
    return html`<div class="notice" data-kind="warn">
      <span>Paused: <bdi>${whyPaused(batch)}</bdi></span>
    </div>`
  if (batch.pause_reason !== null && !isEnded(batch))
    return html`<div class="notice" data-kind="warn">
      <span>Nothing runs it: <bdi>${batch.pause_reason}</bdi></span>
    </div>`
  const { hold } = batch
  if (hold !== null && hold.until > nowMs.value / 1_000 && !isEnded(batch))
    return html`<div class="notice" data-kind="warn">
      <span>Waits ${duration(Math.ceil(hold.until - nowMs.value / 1_000))} more: <bdi>${hold.reason}</bdi></span>
      <a class="button" href="/lanes">Lanes</a>
    </div>`
  if (batch.status === 'cancelling')
    return html`<div class="notice" data-kind="warn"><span>Calls in flight are being aborted.</span></div>`
  if (batch.skipped !== null && batch.skipped !== undefined)
    return html`<div class="notice" data-kind="warn">
      <span
        >${plural(batch.skipped.count, 'line was', 'lines were')} left out, the first: line
        ${batch.skipped.first[0]?.line}: <bdi>${batch.skipped.first[0]?.message}</bdi></span
      >
    </div>`
  return null
}

function Overview({ batch }: { batch: Batch }) {
  const { counts, usage } = batch
  const left = timeLeft(batch)
  const perSecond = rateOf(batch)
  const ranS = batch.started_at === null ? null : (batch.finished_at ?? nowMs.value / 1_000) - batch.started_at
  return html`<section class="card" aria-label="Progress">
    <div class="progress large"><${ProgressBar} counts=${counts} label="Progress" /></div>
    <dl class="facts">
      <${Fact} name="Items" value=${count(counts.total)} />
      <${Fact} name="Succeeded" value=${count(counts.succeeded)} tone="good" />
      <${Fact} name="Failed" value=${count(counts.failed)} tone=${counts.failed > 0 ? 'bad' : ''} />
      ${!isEnded(batch) && html`<${Fact} name="Running" value=${count(counts.running)} />`}
      ${!isEnded(batch) && html`<${Fact} name="Waiting" value=${count(counts.waiting)} />`}
      ${counts.cancelled > 0 && html`<${Fact} name="Cancelled" value=${count(counts.cancelled)} />`}
      ${perSecond !== null && html`<${Fact} name="Rate" value=${rate(perSecond)} />`}
      ${left !== null && html`<${Fact} name="Time left" value=${left.time} more=${left.reason ?? left.why} />`}
      ${ranS !== null && html`<${Fact} name=${isEnded(batch) ? 'Took' : 'Runs for'} value=${duration(Math.round(ranS))} />`}
      ${
        batch.cost_usd !== null &&
        html`<${Fact}
          name="Cost"
          value=${money(batch.cost_usd)}
          more=${batch.max_cost_usd === null ? null : `cap ${money(batch.max_cost_usd)}`}
        />`
      }
      <${Fact} name="Calls" value=${count(usage.calls)} more=${callsMore(usage)} />
      <${Fact} name="Tokens in, out" value=${`${shortCount(usage.input_tokens)}, ${shortCount(usage.output_tokens)}`} />
      <${Fact} name="Priority" value=${count(batch.priority)} />
      ${batch.concurrency !== null && html`<${Fact} name="Concurrency" value=${count(batch.concurrency)} />`}
      ${batch.stored_bytes !== null && html`<${Fact} name="Stored" value=${bytes(batch.stored_bytes)} />`}
    </dl>
  </section>`
}

function callsMore(usage: Batch['usage']): string | null {
  const parts = [
    usage.repeated_calls > 0 ? `${count(usage.repeated_calls)} repeated` : '',
    usage.deduplicated > 0 ? `${count(usage.deduplicated)} same texts` : '',
    usage.cached > 0 ? `${count(usage.cached)} from the cache` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? null : parts.join(', ')
}

function Fact({
  name,
  value,
  more = null,
  tone = '',
}: {
  name: string
  value: string
  more?: string | null
  tone?: string
}) {
  return html`<div>
    <dt>${name}</dt>
    <dd class=${tone}>${value}${more !== null && html`<small><bdi>${more}</bdi></small>`}</dd>
  </div>`
}
