import type { Summary } from '@sluice/contract/summary'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { nowMs } from '../clock.ts'
import { askFirst } from '../elements/dialog.ts'
import { LoadError, sayDone, sayError } from '../elements/notice.ts'
import { ProgressBar } from '../elements/progress-bar.ts'
import { Status } from '../elements/status.ts'
import { count, money, plural, since, timeOf } from '../format.ts'
import { ask, batchPath } from '../http.ts'
import { listen } from '../live.ts'
import { useLoaded } from '../loading.ts'
import { goTo, pathTo } from '../router.ts'

const pathOf = (id: string, rest = '') => `/v1/summaries/${encodeURIComponent(id)}${rest}`
const shownChunks = 200

/** One summary: its levels, each a batch, and the result with the summaries of the parts. */
export function SummaryView({ id }: { id: string }) {
  const loaded = useLoaded(`summary ${id}`, (signal) => ask<Summary>('GET', pathOf(id), { signal }))
  useEffect(() => {
    document.title = 'Summary · Sluice'
    return listen('summary', (summary) => {
      if (summary.id !== id) return
      // The stream leaves the parts out: they come with the whole.
      if (summary.status === 'completed') loaded.reload()
      else loaded.set({ ...summary, chunks: [] })
    })
  }, [id])
  const summary = loaded.data.value
  if (summary === undefined) {
    return loaded.error.value === null
      ? html`<p class="list-end">Loading…</p>`
      : html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`
  }
  const { status, levels, chunks, summary: text, error, lane, cost_usd: usd, usage, created_at: at } = summary
  return html`<p class="crumb"><a href="/summaries">Summaries</a></p>
    <div class="view-head">
      <div class="view-title">
        <h1>Summary <${Status} status=${status} /></h1>
        <div class="meta-line">
          <code>${id}</code> <span>Lane <bdi>${lane}</bdi></span>
          <span title=${timeOf(at)}>Created ${since(at, nowMs.value)}</span>
          <span>${plural(usage.calls, 'call')}${usd === null ? '' : `, ${money(usd)}`}</span>
        </div>
      </div>
      <${Actions} summary=${summary} loaded=${loaded} />
    </div>
    ${
      status === 'paused' &&
      html`<div class="notice" data-kind="warn">
        <span> Paused: <bdi>${summary.pause_reason === 'user' ? 'by a person' : summary.pause_reason}</bdi> </span>
      </div>`
    }
    ${
      error !== null &&
      html`<div class="notice" data-kind="error">
        <span>${error.type}: <bdi>${error.message}</bdi></span>
      </div>`
    }
    <section class="card">
      <h2>Levels</h2>
      <table>
        <tbody>
          ${levels.map(
            ({ level, batch_id: batchId, counts }) =>
              html`<tr key=${level}>
                <td><a href=${pathTo('batch', { id: batchId })}>Level ${level}</a></td>
                <td>${level === 1 ? 'the parts of the text' : 'the summaries of the level before'}</td>
                <td class="batch-progress">
                  <${ProgressBar} counts=${counts} label=${`Progress of level ${level}`} />
                </td>
                <td class="number">${count(counts.total)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${
      text !== null &&
      html`<section class="card">
        <h2>Result</h2>
        <p class="prose" dir="auto">${text}</p>
      </section>`
    }
    ${
      chunks.length > 0 &&
      html`<section class="card">
        <h2>Summaries of the parts</h2>
        <ol class="chunks">
          ${chunks
            .slice(0, shownChunks)
            .map(
              ({ index, start, end, summary: part }) =>
                html`<li key=${index}>
                  <span dir="auto">${part}</span> <small>characters ${count(start)} to ${count(end)}</small>
                </li>`,
            )}
        </ol>
        ${chunks.length > shownChunks && html`<p class="quiet-text">and ${count(chunks.length - shownChunks)} more</p>`}
      </section>`
    }`
}

function Actions({
  summary,
  loaded,
}: {
  summary: Summary
  loaded: { readonly set: (summary: Summary) => void; readonly reload: () => void }
}) {
  const { id, status, levels } = summary
  const current = levels.at(-1)
  /** A summary works on one level at a time, and each level is a batch. */
  const steer = async (verb: 'pause' | 'resume', batchId: string): Promise<void> => {
    try {
      await ask('POST', batchPath(batchId, `/${verb}`))
      loaded.reload()
    } catch (error) {
      sayError(error)
    }
  }
  const act = async (verb: 'retry' | 'cancel', done: string): Promise<void> => {
    try {
      loaded.set(await ask<Summary>('POST', pathOf(id, `/${verb}`)))
      sayDone(done)
    } catch (error) {
      sayError(error)
    }
  }
  const remove = async (): Promise<void> => {
    try {
      await ask('DELETE', pathOf(id))
      goTo('/summaries')
      sayDone('The summary is deleted.')
    } catch (error) {
      sayError(error)
    }
  }
  const unfinished = status === 'in_progress' || status === 'paused'
  return html`<div class="actions">
    ${
      status === 'failed' &&
      html`<button
        onClick=${() =>
          askFirst({
            title: 'Retry this summary?',
            text: 'Failed calls are made again; successful ones are kept.',
            action: 'Retry',
            act: () => act('retry', 'The summary is tried again.'),
          })}
      >
        Retry
      </button>`
    }
    ${
      unfinished &&
      current !== undefined &&
      html`<button onClick=${() => void steer(status === 'paused' ? 'resume' : 'pause', current.batch_id)}>
        ${status === 'paused' ? 'Resume' : 'Pause'}
      </button>`
    }
    ${
      unfinished &&
      html`<button
        onClick=${() =>
          askFirst({
            title: 'Cancel this summary?',
            text: 'Calls in flight are aborted. It cannot be resumed.',
            action: 'Cancel the summary',
            danger: true,
            act: () => act('cancel', 'The summary is cancelled.'),
          })}
      >
        Cancel
      </button>`
    }
    ${
      !unfinished &&
      html`<button
        onClick=${() =>
          askFirst({
            title: 'Delete this summary?',
            text: 'It is removed with the batches of its levels. This cannot be undone.',
            action: 'Delete',
            danger: true,
            act: remove,
          })}
      >
        Delete
      </button>`
    }
  </div>`
}

export function SummaryPercent({ summary: { percent, status } }: { summary: Summary }) {
  return html`<div class="progress">
    <div
      class="bar"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${percent}
    >
      <span class=${status === 'failed' ? 'bar-failed' : 'bar-succeeded'} style=${{ width: `${percent}%` }}></span>
    </div>
    <span class="bar-percent">${percent}%</span>
  </div>`
}
