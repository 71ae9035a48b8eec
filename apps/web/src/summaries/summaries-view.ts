import { useSignal } from '@preact/signals'
import type { Summary, SummaryList } from '@sluice/contract/summary'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { nowMs } from '../clock.ts'
import { LoadError } from '../elements/notice.ts'
import { Status } from '../elements/status.ts'
import { count, money, since, timeOf } from '../format.ts'
import { ask, messageOf, withQuery } from '../http.ts'
import { listen } from '../live.ts'
import { useLoaded } from '../loading.ts'
import { goTo, pathTo } from '../router.ts'
import { SummaryPercent } from './summary-view.ts'

const pageSize = 50

/** Summaries, newest first, and a new one from a pasted text or a file. */
export function SummariesView() {
  const older = useSignal<readonly Summary[]>([])
  const next = useSignal<string | null | undefined>(undefined)
  const problem = useSignal<string | null>(null)
  const writing = useSignal(false)
  const loaded = useLoaded('summaries', (signal) =>
    ask<SummaryList>('GET', withQuery('/v1/summaries', { limit: pageSize }), { signal }),
  )
  useEffect(() => {
    document.title = 'Summaries · Sluice'
    return listen('summary', (summary) => {
      const list = loaded.data.peek()
      if (list === undefined) return
      const known = list.data.some(({ id }) => id === summary.id)
      const data = known ? list.data.map((one) => (one.id === summary.id ? summary : one)) : [summary, ...list.data]
      loaded.set({ ...list, data })
    })
  }, [])
  const summaries = [...(loaded.data.value?.data ?? []), ...older.value]
  const after = next.value === undefined ? (loaded.data.value?.next ?? null) : next.value
  const loadMore = async (): Promise<void> => {
    try {
      const page = await ask<SummaryList>(
        'GET',
        withQuery('/v1/summaries', { limit: pageSize, after: after ?? undefined }),
      )
      older.value = [...older.value, ...page.data]
      next.value = page.next
    } catch (error) {
      problem.value = messageOf(error)
    }
  }
  return html`<div class="view-head">
      <h1>Summaries</h1>
      <div class="actions">
        <button onClick=${() => (writing.value = !writing.value)}>${writing.value ? 'Close' : 'New summary'}</button>
      </div>
    </div>
    ${writing.value && html`<${NewSummary} />`}
    ${[loaded.error.value, problem.value].map(
      (message) => message !== null && html`<${LoadError} message=${message} retry=${loaded.reload} />`,
    )}
    ${
      loaded.data.value !== undefined &&
      summaries.length === 0 &&
      html`<div class="empty">
        <h2>No summaries yet</h2>
        <p>
          A text of any length becomes one summary: its parts are summarized, then their summaries, until one is left.
        </p>
      </div>`
    }
    ${
      summaries.length > 0 &&
      html`<div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">Summary</th>
              <th scope="col">Status</th>
              <th scope="col">Progress</th>
              <th scope="col" class="number">Levels</th>
              <th scope="col" class="number">Cost</th>
              <th scope="col">Created</th>
            </tr>
          </thead>
          <tbody>
            ${summaries.map((one) => html`<${Row} key=${one.id} summary=${one} />`)}
          </tbody>
        </table>
      </div>`
    }
    <p class="list-end">
      ${after !== null && html`<button onClick=${() => void loadMore()}>Show older summaries</button>`}
    </p>`
}

function Row({ summary }: { summary: Summary }) {
  const { id, lane, status, pause_reason: reason, levels, cost_usd: usd, created_at: at, summary: text } = summary
  return html`<tr>
    <td class="batch-name">
      <a href=${pathTo('summary', { id })}><code>${id}</code></a>
      <small><bdi class="clip">${text ?? `on ${lane}`}</bdi></small>
    </td>
    <td>
      <${Status} status=${status} />
      ${status === 'paused' && html`<small class="reason"><bdi>${reason}</bdi></small>`}
    </td>
    <td class="batch-progress"><${SummaryPercent} summary=${summary} /></td>
    <td class="number">${count(levels.length)}</td>
    <td class="number">${usd === null ? '' : money(usd)}</td>
    <td><span title=${timeOf(at)}>${since(at, nowMs.value)}</span></td>
  </tr>`
}

function NewSummary() {
  const text = useSignal('')
  const file = useSignal<File | null>(null)
  const instructions = useSignal('')
  const problem = useSignal<string | null>(null)
  const busy = useSignal(false)
  const start = async (): Promise<void> => {
    busy.value = true
    problem.value = null
    const options = { instructions: instructions.value }
    try {
      const made = await ask<Summary>('POST', '/v1/summaries', {
        body: file.value === null ? { text: text.value, ...options } : formOf(file.value, options),
      })
      goTo(pathTo('summary', { id: made.id }))
    } catch (error) {
      problem.value = messageOf(error)
    } finally {
      busy.value = false
    }
  }
  return html`<section class="card" aria-label="New summary">
    <form
      onSubmit=${(event: Event) => {
        event.preventDefault()
        void start()
      }}
    >
      <label class="field">
        <span>Text</span>
        <textarea
          rows="6"
          dir="auto"
          disabled=${file.value !== null}
          value=${text.value}
          onInput=${(event: Event) => (text.value = (event.target as HTMLTextAreaElement).value)}
        ></textarea>
      </label>
      <label class="field">
        <span>Or a file: text, Markdown, HTML or PDF</span>
        <input
          type="file"
          onChange=${(event: Event) => (file.value = (event.target as HTMLInputElement).files?.[0] ?? null)}
        />
      </label>
      <label class="field">
        <span>How to write it</span>
        <input
          placeholder="optional, such as: three sentences, in German"
          value=${instructions.value}
          onInput=${(event: Event) => (instructions.value = (event.target as HTMLInputElement).value)}
        />
      </label>
      ${problem.value !== null && html`<p class="error-text" role="alert"><bdi>${problem.value}</bdi></p>`}
      <button class="primary" disabled=${busy.value || (text.value.trim() === '' && file.value === null)}>
        Summarize
      </button>
    </form>
  </section>`
}

function formOf(file: File, options: object): FormData {
  const form = new FormData()
  form.set('summary', JSON.stringify(options))
  form.append('document', file, file.name)
  return form
}
