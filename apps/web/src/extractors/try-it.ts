import { useSignal } from '@preact/signals'
import type { extracted } from '@sluice/contract/extract-now'
import { html } from 'htm/preact'
import { useEffect, useRef } from 'preact/hooks'
import { Json } from '../elements/json.ts'
import { count, duration, money, plural } from '../format.ts'
import { ask, messageOf } from '../http.ts'
import { markFound } from '../items/mark-found.ts'
import { pathTo } from '../router.ts'

type Extracted = (typeof extracted)['_output'] & { readonly object?: 'batch'; readonly id?: string }
const waitS = 60

/** So that people know it in the list of batches. */
const nameOf = (extractor: unknown) => (typeof extractor === 'string' ? `Try of ${extractor}` : 'Try')

/** Runs an extractor on one text and shows the answer beside it. It is a real call, and costs what a call costs. */
export function TryIt({ extractor, text: given = '' }: { extractor: unknown; text?: string }) {
  const text = useSignal(given)
  const answer = useSignal<{ readonly text: string; readonly result: Extracted } | null>(null)
  const problem = useSignal<string | null>(null)
  const startedAt = useSignal<number | null>(null)
  const tookS = useSignal(0)
  const stop = useRef<AbortController>(undefined)
  useEffect(() => () => stop.current?.abort(), [])

  const run = async (): Promise<void> => {
    stop.current?.abort()
    const own = (stop.current = new AbortController())
    startedAt.value = performance.now()
    problem.value = null
    answer.value = null
    const asked = text.value
    try {
      const body = { extractor, text: asked, name: nameOf(extractor), wait_s: waitS, keep_s: 3_600 }
      const result = await ask<Extracted>('POST', '/v1/extract', { body, signal: own.signal })
      tookS.value = (performance.now() - startedAt.value) / 1_000
      answer.value = { text: asked, result }
    } catch (error) {
      if (!own.signal.aborted) problem.value = messageOf(error)
    } finally {
      if (!own.signal.aborted) startedAt.value = null
    }
  }
  return html`<div class="try-it">
    <label class="field">
      <span>Text</span>
      <textarea
        rows="4"
        dir="auto"
        value=${text.value}
        onInput=${(event: Event) => (text.value = (event.target as HTMLTextAreaElement).value)}
      ></textarea>
    </label>
    <div class="actions">
      <button
        type="button"
        disabled=${text.value.trim() === '' || startedAt.value !== null}
        onClick=${() => void run()}
      >
        ${startedAt.value === null ? 'Try it' : 'Asking the model…'}
      </button>
      <small>One real call.</small>
    </div>
    <div aria-live="polite">
      ${problem.value !== null && html`<p class="error-text space" role="alert"><bdi>${problem.value}</bdi></p>`}
      ${answer.value !== null && html`<${Outcome} ...${answer.value} tookS=${tookS.value} />`}
    </div>
  </div>`
}

function Outcome({ text, result, tookS }: { text: string; result: Extracted; tookS: number }) {
  if (result.object === 'batch')
    return html`<p class="space">
      It takes longer than ${waitS} s. <a href=${pathTo('batch', { id: result.id! })}>Follow it as a batch</a>
    </p>`
  return html`<div class="columns space">
    <pre class="text" dir="auto" tabindex="0">${markFound(text, result.data)}</pre>
    <div>
      ${
        result.error !== undefined &&
        html`<div class="notice" data-kind="error">
          <span><strong>${result.error.type}</strong>: <bdi>${result.error.message}</bdi></span>
        </div>`
      }
      ${result.data !== undefined && html`<${Json} value=${result.data} />`}
      ${result.raw !== undefined && html`<pre dir="auto">${result.raw}</pre>`}
      <p class="quiet-text space">
        ${[
          duration(tookS),
          plural(result.attempts, 'call'),
          result.usage === undefined ? '' : `${count(result.usage.input_tokens + result.usage.output_tokens)} tokens`,
          result.cost_usd === undefined ? '' : money(result.cost_usd),
        ]
          .filter((part) => part !== '')
          .join(' · ')}
      </p>
    </div>
  </div>`
}
