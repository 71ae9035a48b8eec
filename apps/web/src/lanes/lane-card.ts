import type { LaneLimit, LaneView } from '@sluice/contract/lane-view'
import { html } from 'htm/preact'
import { nowMs } from '../clock.ts'
import { sayDone, sayError } from '../elements/notice.ts'
import { count, duration, milliseconds, money, percent, plural, shortCount } from '../format.ts'
import { ask } from '../http.ts'

const sourceWords = { header: 'by the provider', configuration: 'configured', learned: 'learned' } as const

export function LaneCard({ lane, reload }: { lane: LaneView; reload: () => void }) {
  const heldS = lane.held_until === null ? 0 : lane.held_until - nowMs.value / 1_000
  const isHeld = heldS > 0
  const why = lane.models.find(({ held_until: until }) => until !== null)?.waits_for ?? null
  return html`<section class="card" aria-label=${`Lane ${lane.name}`}>
    <div class="card-head">
      <h2><bdi>${lane.name}</bdi></h2>
      <span class="quiet-text"><bdi>${lane.model}</bdi></span>
      ${lane.workers === 0 && html`<span class="status" data-status="failed">No worker</span>`}
      ${isHeld && html`<span class="status" data-status="paused">Held</span>`}
      ${lane.pause_reason !== null && html`<span class="status" data-status="paused">Paused</span>`}
      <div class="actions">
        ${
          (isHeld || lane.pause_reason !== null) &&
          html`<button class="primary" onClick=${() => void resume(lane.name, reload)}>Resume</button>`
        }
        <a class="button" href=${`/?lane=${encodeURIComponent(lane.name)}`}>Batches</a>
      </div>
    </div>
    ${
      lane.pause_reason !== null &&
      html`<div class="notice" data-kind="warn">
        <span>Its batches are paused: <bdi>${lane.pause_reason}</bdi></span>
      </div>`
    }
    ${
      isHeld &&
      html`<div class="notice" data-kind="warn">
        <span>No call starts for ${duration(Math.ceil(heldS))}${why === null ? '' : html`: <bdi>${why}</bdi>`}</span>
      </div>`
    }
    <${Numbers} lane=${lane} />
    <${Limits} lane=${lane} />
    <${Outcomes} lane=${lane} />
  </section>`
}

async function resume(name: string, reload: () => void): Promise<void> {
  try {
    const { batches } = await ask<{ batches: number }>('POST', `/v1/lanes/${encodeURIComponent(name)}/resume`)
    sayDone(batches === 0 ? 'The wait is ended.' : `${plural(batches, 'batch', 'batches')} resumed.`)
    reload()
  } catch (error) {
    sayError(error)
  }
}

function Numbers({ lane }: { lane: LaneView }) {
  const latency = lane.latency_s
  const calls = Object.values(lane.calls).reduce((sum, one) => sum + one, 0)
  const facts: [string, string, string?][] = [
    ['Calls in flight', `${count(lane.in_flight)} of ${count(lane.concurrency)}`],
    ['Wait for the limit', count(lane.waiting_for_quota)],
    ['Items to do', count(lane.items_waiting), plural(lane.batches, 'running batch', 'running batches')],
    [
      'Workers',
      count(lane.workers),
      lane.workers_wanted > lane.workers ? `${lane.workers_wanted} would be busy` : undefined,
    ] as [string, string, string?],
    [
      'Latency, half of calls',
      latency === null ? '–' : milliseconds(latency.p50 * 1_000),
      latency === null ? '' : `90%: ${milliseconds(latency.p90 * 1_000)}, 99%: ${milliseconds(latency.p99 * 1_000)}`,
    ],
    ['Refused by the limit', count(lane.refused_calls), calls === 0 ? '' : `of ${shortCount(calls)} calls`],
    ['Tokens in, out', `${shortCount(lane.usage.input_tokens)}, ${shortCount(lane.usage.output_tokens)}`],
    ...(lane.cost_usd === null ? [] : ([['Cost', money(lane.cost_usd)]] as [string, string][])),
  ]
  return html`<dl class="facts">
    ${facts.map(
      ([name, value, more]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}${more !== undefined && more !== '' && html`<small>${more}</small>`}</dd>
        </div>`,
    )}
  </dl>`
}

function Limits({ lane }: { lane: LaneView }) {
  const rows = [
    ...lane.limits.map((limit) => ({ model: null as string | null, limit, binds: false })),
    ...lane.models.flatMap(({ model, limits, binding_limit: binding }) =>
      limits.map((limit) => ({ model, limit, binds: limit.name === binding })),
    ),
  ]
  if (rows.length === 0)
    return html`<p class="quiet-text space">No limit is known: neither configured nor named by the provider.</p>`
  return html`<div class="scroll-x space">
    <table>
      <thead>
        <tr>
          <th scope="col">Limit</th>
          <th scope="col">Used now</th>
          <th scope="col" class="number">Limit</th>
          <th scope="col" class="number">Remaining</th>
          <th scope="col">Known</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(({ model, limit, binds }) => html`<${LimitRow} model=${model} limit=${limit} binds=${binds} />`)}
      </tbody>
    </table>
  </div>`
}

function LimitRow({ model, limit, binds }: { model: string | null; limit: LaneLimit; binds: boolean }) {
  const of = limit.used + limit.remaining
  const used = Math.min(100, percent(limit.used, of))
  const resetS = limit.resets_at === null ? 0 : limit.resets_at - nowMs.value / 1_000
  return html`<tr>
    <td>
      <bdi>${limit.name}</bdi> ${binds && html`<span class="status" data-status="paused">Binding</span>`}
      ${model !== null && html`<small><bdi>${model}</bdi></small>`}
    </td>
    <td class="limit-bar">
      <div class="progress">
        <div
          class="bar"
          role="meter"
          aria-label=${`Used of ${limit.name}`}
          aria-valuemin="0"
          aria-valuemax="100"
          aria-valuenow=${Math.round(used)}
        >
          <span class=${used > 90 ? 'bar-warn' : 'bar-used'} style=${{ width: `${used}%` }}></span>
        </div>
        <span class="bar-percent">${Math.round(used)}%</span>
      </div>
    </td>
    <td class="number">
      ${limit.limit === null ? '–' : `${count(limit.limit)} ${limit.unit}`}
      ${limit.period_s !== null && html`<small>in ${duration(limit.period_s)}</small>`}
    </td>
    <td class="number">
      ${count(Math.max(0, Math.floor(limit.remaining)))}
      ${resetS > 0 && html`<small>full in ${duration(Math.ceil(resetS))}</small>`}
    </td>
    <td>${sourceWords[limit.source]}</td>
  </tr>`
}

function Outcomes({ lane }: { lane: LaneView }) {
  const entries = Object.entries(lane.calls)
    .filter(([, calls]) => calls > 0)
    .sort((a, b) => b[1] - a[1])
  if (entries.length === 0) return null
  return html`<p class="quiet-text space">
    Calls by outcome:
    ${entries.map(([name, calls]) => html` <span class="chip"><bdi>${name}</bdi> ${count(calls)}</span>`)}
    ${lane.repeated_calls > 0 && html` <span class="chip">repeated ${count(lane.repeated_calls)}</span>`}
  </p>`
}
