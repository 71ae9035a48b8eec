import { signal } from '@preact/signals'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { createDraft, type Draft } from './draft.ts'
import { ExtractorStep } from './extractor-step.ts'
import { StartBar } from './start-bar.ts'
import { TextsStep } from './texts-step.ts'

/** Kept while other views are shown; replaced when its batch has started. */
const draft = signal(createDraft())

/** From texts and a schema to a running batch, on one page. */
export function NewBatchView() {
  useEffect(() => {
    document.title = 'New batch · Sluice'
  }, [])
  const now = draft.value
  return html`<div class="view-head"><h1>New batch</h1></div>
    <div class="steps">
      <${TextsStep} draft=${now} />
      <${ExtractorStep} draft=${now} />
      <${OptionsStep} draft=${now} />
      <${StartBar} draft=${now} started=${() => (draft.value = createDraft())} />
    </div>`
}

function OptionsStep({ draft: { name, options } }: { draft: Draft }) {
  const { concurrency, priority, cap, deduplicate } = options
  const number = (label: string, help: string, value: { value: string }, attributes: object) =>
    html`<label class="field">
      <span>${label}</span>
      <input
        type="number"
        value=${value.value}
        onInput=${(event: Event) => (value.value = (event.target as HTMLInputElement).value)}
        ...${attributes}
      />
      <small>${help}</small>
    </label>`
  return html`<section class="card">
    <h2><span class="step-number">3</span> Name and limits</h2>
    <label class="field">
      <span>Name of the batch</span>
      <input
        maxlength="200"
        placeholder="optional, to find it again"
        value=${name.value}
        onInput=${(event: Event) => (name.value = (event.target as HTMLInputElement).value)}
      />
    </label>
    <details>
      <summary>Limits and options</summary>
      <div class="columns narrow space">
        ${number('Cost cap in US dollars', 'The batch pauses before its cost is above it.', cap, { min: 0, step: 'any' })}
        ${number('Concurrency', 'Calls in flight at once. Empty: as many as the lane takes.', concurrency, { min: 1, max: 100_000 })}
        ${number('Priority', 'Twice the number, twice the share of the lane.', priority, { min: 1, max: 100 })}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked=${deduplicate.value}
          onChange=${(event: Event) => (deduplicate.value = (event.target as HTMLInputElement).checked)}
        />
        Pay for the same text only once
      </label>
    </details>
  </section>`
}
