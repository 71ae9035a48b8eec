import { useSignal } from '@preact/signals'
import type { Batch, PatchBatch } from '@sluice/contract/batch'
import { html } from 'htm/preact'
import { Dialog } from '../elements/dialog.ts'
import { sayDone } from '../elements/notice.ts'
import { ask, batchPath, messageOf, RequestError } from '../http.ts'

/** Changes what may be changed while a batch runs. */
export function LimitsDialog({ batch, set, close }: { batch: Batch; set: (batch: Batch) => void; close: () => void }) {
  const concurrency = useSignal(batch.concurrency === null ? '' : String(batch.concurrency))
  const priority = useSignal(String(batch.priority))
  const cap = useSignal(batch.max_cost_usd === null ? '' : String(batch.max_cost_usd))
  const problem = useSignal<{ readonly field: string | null; readonly message: string } | null>(null)
  const save = async (): Promise<void> => {
    const body: PatchBatch = {
      concurrency: concurrency.value === '' ? null : Number(concurrency.value),
      priority: Number(priority.value),
      max_cost_usd: cap.value === '' ? null : Number(cap.value),
    }
    try {
      set(await ask<Batch>('PATCH', batchPath(batch.id), { body }))
      sayDone('The limits are changed.')
      close()
    } catch (error) {
      problem.value = { field: error instanceof RequestError ? error.param : null, message: messageOf(error) }
    }
  }
  const field = (name: string, label: string, help: string, value: { value: string }, attributes: object) =>
    html`<label class="field">
      <span>${label}</span>
      <input
        type="number"
        value=${value.value}
        aria-invalid=${problem.value?.field === name}
        onInput=${(event: Event) => (value.value = (event.target as HTMLInputElement).value)}
        ...${attributes}
      />
      <small>${help}</small>
    </label>`
  return html`<${Dialog} title="Limits of this batch" close=${close}>
    <form
      onSubmit=${(event: Event) => {
        event.preventDefault()
        void save()
      }}
    >
      ${field('concurrency', 'Concurrency', 'Calls in flight at once. Empty: as many as the lane takes.', concurrency, { min: 1, max: 100_000 })}
      ${field('priority', 'Priority', 'Twice the number, twice the share of the lane. 10 is usual.', priority, { min: 1, max: 100, required: true })}
      ${field('max_cost_usd', 'Cost cap in US dollars', 'The batch pauses before its cost is above it. Empty: no cap.', cap, { min: 0, step: 'any' })}
      ${problem.value !== null && html`<p class="error-text" role="alert">${problem.value.message}</p>`}
      <div class="actions end">
        <button type="button" onClick=${close}>Cancel</button>
        <button class="primary">Save</button>
      </div>
    </form>
  <//>`
}
