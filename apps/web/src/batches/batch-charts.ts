import type { Batch } from '@sluice/contract/batch'
import type { Timeline } from '@sluice/contract/batch-item'
import { html } from 'htm/preact'
import { useEffect, useMemo } from 'preact/hooks'
import { nowMs } from '../clock.ts'
import { Chart, type Series } from '../elements/chart.ts'
import { LoadError } from '../elements/notice.ts'
import { clockOf, money, rate, since, timeOf } from '../format.ts'
import { ask, batchPath } from '../http.ts'
import { useLoaded } from '../loading.ts'
import { isEnded } from './batch-words.ts'
import { itemsPerSecond } from './samples.ts'

/** While a batch runs, its samples are asked for so often. */
const refreshMs = 5_000

const rateSeries: readonly Series[] = [
  { label: 'Items', colour: '--good-fill', filled: true, format: rate },
  { label: 'Limit', colour: '--warn', dashed: true, format: rate },
]
const costSeries: readonly Series[] = [{ label: 'Cost', colour: '--accent', filled: true, format: money }]

/** Speed and cost over time, and what happened. */
export function BatchCharts({ batch }: { batch: Batch }) {
  const { id, status } = batch
  const loaded = useLoaded(`timeline ${id}`, (signal) => ask<Timeline>('GET', batchPath(id, '/timeline'), { signal }))
  const ended = isEnded(batch)
  useEffect(() => {
    // Also once when the status changes: that is an event of the timeline.
    loaded.reload()
    if (ended) return undefined
    const timer = setInterval(() => {
      if (!document.hidden) loaded.reload()
    }, refreshMs)
    return () => clearInterval(timer)
  }, [id, status])

  const timeline = loaded.data.value
  const { speed, cost } = useMemo(() => toSeries(timeline?.samples ?? []), [timeline])
  if (timeline === undefined)
    return loaded.error.value === null
      ? null
      : html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`
  const drawn = timeline.samples.length >= 2
  const hasCost = timeline.samples.some(({ cost_usd: usd }) => usd !== null && usd > 0)
  return html`${
      drawn &&
      html`<div class=${hasCost ? 'columns' : ''}>
        <section class="card">
          <h2>Items per second</h2>
          <${Chart} label="Items per second against the limit" data=${speed} series=${rateSeries} />
        </section>
        ${
          hasCost &&
          html`<section class="card">
            <h2>Cost</h2>
            <${Chart} label="Cost over time" data=${cost} series=${costSeries} />
          </section>`
        }
      </div>`
    } <${History} events=${timeline.events} />`
}

function toSeries(samples: Timeline['samples']) {
  const times = samples.map(({ at }) => at)
  return {
    speed: [times, itemsPerSecond(samples), samples.map(({ limit_per_s: limit }) => limit)],
    cost: [times, samples.map(({ cost_usd: usd }) => usd)],
  }
}

const shownEvents = 12
const eventNames: Readonly<Record<Timeline['events'][number]['type'], string>> = {
  created: 'Created',
  started: 'Started',
  paused: 'Paused',
  resumed: 'Resumed',
  cancelling: 'Cancelling',
  worker_lost: 'A worker was lost',
  retried: 'Retried',
  changed: 'Changed',
  held: 'The provider asked to wait',
  hold_ended: 'The wait ended',
  completed: 'Completed',
  cancelled: 'Cancelled',
}

function eventWords(type: Timeline['events'][number]['type'], message: string): string {
  if (type === 'paused' && message === 'user') return `${eventNames[type]} by a person`
  return message === '' ? eventNames[type] : `${eventNames[type]}: ${message}`
}

function History({ events }: { events: Timeline['events'] }) {
  if (events.length === 0) return null
  const newest = events.toSorted((a, b) => b.at - a.at)
  const line = ({ at, type, message }: Timeline['events'][number]) =>
    html`<li data-type=${type}>
      <time title=${timeOf(at)}>${clockOf(at)}</time>
      <span><bdi>${eventWords(type, message)}</bdi> <small>${since(at, nowMs.value)}</small></span>
    </li>`
  return html`<section class="card">
    <h2>What happened</h2>
    <ol class="history">
      ${newest.slice(0, shownEvents).map(line)}
    </ol>
    ${
      newest.length > shownEvents &&
      html`<details>
        <summary>${newest.length - shownEvents} earlier</summary>
        <ol class="history">
          ${newest.slice(shownEvents).map(line)}
        </ol>
      </details>`
    }
  </section>`
}
