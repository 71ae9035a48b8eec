import { signal, useSignal } from '@preact/signals'
import type { Estimate } from '@sluice/contract/estimate'
import type { LaneList } from '@sluice/contract/lane-view'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { sayDone } from '../elements/notice.ts'
import { schemaIssueOf } from '../extractors/extractor-draft.ts'
import { count, duration, money, plural, shortCount } from '../format.ts'
import { ask, messageOf } from '../http.ts'
import { goTo, pathTo } from '../router.ts'
import type { Draft } from './draft.ts'
import { scaleEstimate, type ShownEstimate } from './estimate.ts'
import { submitDraft } from './submit.ts'

/** After the last change. */
const settledMs = 600
/** Of the preview; larger texts are fewer items. */
const sampleCharacters = 200_000

type State =
  | { readonly kind: 'incomplete'; readonly text: string }
  | { readonly kind: 'estimating' }
  | { readonly kind: 'wrong'; readonly text: string }
  | { readonly kind: 'ready'; readonly estimate: ShownEstimate | null }

/** Kept beside the view, so that a change of view does not stop an upload. */
const sending = signal<{ readonly items: number; readonly total: number; readonly stop: () => void } | null>(null)

/** What the batch will cost and take, and the button that starts it. The estimate also checks the extractor before anything is stored. */
export function StartBar({ draft, started }: { draft: Draft; started: () => void }) {
  const state = useSignal<State>({ kind: 'incomplete', text: '' })
  const problem = useSignal<string | null>(null)
  const { items, exact } = draft.total.value
  const choice = draft.extractorChoice.value
  const isDocuments = draft.source.value.kind === 'documents'
  const first = draft.firstItems.value
  const key = JSON.stringify([choice, items, isDocuments, first.length, first[0], first.at(-1)])

  const show = async (signal: AbortSignal): Promise<void> => {
    try {
      const estimated = await estimate(draft, signal)
      draft.extractor.issue.value = null
      state.value = { kind: 'ready', estimate: estimated }
    } catch (error) {
      if (signal.aborted) return
      draft.extractor.issue.value = schemaIssueOf(error)
      state.value = { kind: 'wrong', text: messageOf(error) }
    }
  }
  useEffect(() => {
    const missing = whatIsMissing(draft)
    if (missing !== null) {
      state.value = { kind: 'incomplete', text: missing }
      return undefined
    }
    state.value = { kind: 'estimating' }
    const stop = new AbortController()
    const timer = setTimeout(() => void show(stop.signal), settledMs)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [key])

  const start = async (): Promise<void> => {
    const stop = new AbortController()
    problem.value = null
    const sent = (done: number): void => {
      sending.value = { items: done, total: items, stop: () => stop.abort(new Error('The upload was stopped.')) }
    }
    sent(0)
    try {
      const batch = await submitDraft(draft, { signal: stop.signal, onSent: sent })
      started()
      goTo(pathTo('batch', { id: batch.id }))
      sayDone(`The batch has started with ${plural(batch.counts.total, 'item')}.`)
    } catch (error) {
      draft.extractor.issue.value = schemaIssueOf(error)
      problem.value = messageOf(error)
    } finally {
      sending.value = null
    }
  }
  const now = state.value
  const progress = sending.value
  return html`<div class="start-bar" role="region" aria-label="Estimate and start">
    <div aria-live="polite">
      ${
        progress !== null
          ? `Sending: ${count(progress.items)} of ${exact ? '' : 'about '}${count(progress.total)}`
          : html`<${Words} state=${now} exact=${exact} />`
      }
      ${problem.value !== null && html`<div class="error-text" role="alert"><bdi>${problem.value}</bdi></div>`}
    </div>
    ${progress !== null && html`<button type="button" onClick=${progress.stop}>Stop</button>`}
    <button
      type="button"
      class="primary"
      disabled=${now.kind !== 'ready' || progress !== null}
      onClick=${() => void start()}
    >
      ${items > 0 && now.kind === 'ready' ? `Start ${exact ? '' : 'about '}${plural(items, 'item')}` : 'Start'}
    </button>
  </div>`
}

function whatIsMissing(draft: Draft): string | null {
  const { items } = draft.total.peek()
  if (items === 0) return 'Add texts first.'
  if (draft.extractorChoice.peek() !== null) return null
  return draft.extractor.schema.peek() === undefined
    ? 'The schema is not valid JSON.'
    : 'Say what to extract: name at least one field.'
}

async function estimate(draft: Draft, signal: AbortSignal): Promise<ShownEstimate | null> {
  const choice = draft.extractorChoice.peek()!
  const isDocuments = draft.source.peek().kind === 'documents'
  // Documents are read by the server when they are sent: before that, only the extractor can be checked.
  const items = isDocuments ? [{ text: 'A document.' }] : takeSample(draft)
  const sample = await ask<Estimate>('POST', '/v1/batches/estimate', { body: { extractor: choice, items }, signal })
  if (isDocuments) return null
  const lanes = await ask<LaneList>('GET', '/v1/lanes', { signal })
  const name = typeof choice === 'string' ? await laneOf(choice, signal) : (choice['lane'] ?? 'default')
  return scaleEstimate(
    sample,
    draft.total.peek().items,
    lanes.data.find((lane) => lane.name === name),
  )
}

async function laneOf(extractor: string, signal: AbortSignal): Promise<string> {
  const { lane } = await ask<{ lane: string }>('GET', `/v1/extractors/${encodeURIComponent(extractor)}`, { signal })
  return lane
}

/** Spread over the preview, because the first rows may be unlike the others. Ids stay out: a sample may be of any rows. */
function takeSample(draft: Draft): { text: string }[] {
  const taken: { text: string }[] = []
  let characters = 0
  for (const { text } of draft.firstItems.peek()) {
    if (characters > 0 && characters + text.length > sampleCharacters) break
    taken.push({ text })
    characters += text.length
  }
  return taken
}

function Words({ state, exact }: { state: State; exact: boolean }) {
  switch (state.kind) {
    case 'incomplete':
      return html`<span class="quiet-text">${state.text}</span>`
    case 'estimating':
      return html`<span class="quiet-text">Estimating…</span>`
    case 'wrong':
      return html`<span class="error-text"><bdi>${state.text}</bdi></span>`
    case 'ready': {
      const { estimate } = state
      if (estimate === null)
        return html`<span class="quiet-text">Cost and time of documents are known when they have been read.</span>`
      return html`<strong>${estimate.costUsd === null ? 'Cost unknown' : `About ${money(estimate.costUsd)}`}</strong>
        <span class="quiet-text">
          ${[
            estimate.seconds === null ? '' : `about ${duration(estimate.seconds)} (limit: ${estimate.binds})`,
            `${shortCount(estimate.inputTokens)} tokens in, ${shortCount(estimate.outputTokens)} out`,
            estimate.costUsd === null ? 'the lane has no prices' : '',
            exact ? '' : 'from the first rows',
          ]
            .filter((part) => part !== '')
            .map((part) => ` · ${part}`)
            .join('')}
        </span>`
    }
    default:
      return state satisfies never
  }
}
