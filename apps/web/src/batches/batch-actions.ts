import { useSignal } from '@preact/signals'
import type { Batch } from '@sluice/contract/batch'
import { html } from 'htm/preact'
import { askFirst } from '../elements/dialog.ts'
import { sayDone, sayError } from '../elements/notice.ts'
import { plural } from '../format.ts'
import { ask, batchPath, withQuery } from '../http.ts'
import { goTo } from '../router.ts'
import { isEnded, titleOf } from './batch-words.ts'
import { LimitsDialog } from './limits-dialog.ts'
import { retryFailed } from './retry.ts'

/** What a person can do with a batch. What stops work or removes data asks first. */
export function BatchActions({ batch, set }: { batch: Batch; set: (batch: Batch) => void }) {
  const limitsOpen = useSignal(false)
  const { id, status, counts } = batch
  const act = async (verb: 'pause' | 'resume' | 'cancel', done: string): Promise<void> => {
    try {
      set(await ask<Batch>('POST', batchPath(id, `/${verb}`)))
      sayDone(done)
    } catch (error) {
      sayError(error)
    }
  }
  const cancel = () =>
    askFirst({
      title: 'Cancel this batch?',
      text: `${plural(counts.waiting + counts.running, 'item')} will not be done. Finished items are kept. A cancelled batch cannot be resumed.`,
      action: 'Cancel the batch',
      danger: true,
      act: () => act('cancel', 'The batch is cancelled.'),
    })
  const remove = () =>
    askFirst({
      title: 'Delete this batch?',
      text: `${titleOf(batch)} with ${plural(counts.total, 'item')} and all results is removed. This cannot be undone.`,
      action: 'Delete',
      danger: true,
      async act() {
        try {
          await ask('DELETE', batchPath(id))
          goTo('/')
          sayDone('The batch is deleted.')
        } catch (error) {
          sayError(error)
        }
      },
    })
  return html`<div class="actions">
      ${
        status === 'in_progress' &&
        html`<button onClick=${() => void act('pause', 'Paused. Calls in flight end and are recorded.')}>Pause</button>`
      }
      ${status === 'paused' && html`<button class="primary" onClick=${() => void act('resume', 'Resumed.')}>Resume</button>`}
      ${
        counts.failed > 0 &&
        (status === 'completed' || status === 'in_progress' || status === 'paused') &&
        html`<button onClick=${() => void retryFailed(batch, {}, plural(counts.failed, 'failed item'))}>
          Retry failed
        </button>`
      }
      ${!isEnded(batch) && html`<button onClick=${() => (limitsOpen.value = true)}>Limits</button>`}
      <${Downloads} batch=${batch} />
      ${!isEnded(batch) && status !== 'cancelling' && html`<button onClick=${cancel}>Cancel</button>`}
      ${isEnded(batch) && html`<button onClick=${remove}>Delete</button>`}
    </div>
    ${limitsOpen.value && html`<${LimitsDialog} batch=${batch} set=${set} close=${() => (limitsOpen.value = false)} />`}`
}

/** The server names the files: results of the whole batch, or what failed alone. */
function Downloads({ batch: { id, counts } }: { batch: Batch }) {
  const link = (text: string, format: 'csv' | 'ndjson', status?: 'failed') =>
    html`<a href=${withQuery(batchPath(id, '/results'), { format, status })} download>${text}</a>`
  return html`<details class="menu">
    <summary class="button">Download</summary>
    <div class="menu-items">
      ${link('Results as CSV', 'csv')} ${link('Results as JSONL', 'ndjson')}
      ${counts.failed > 0 && html`${link('Failed items as CSV', 'csv', 'failed')} ${link('Failed items as JSONL', 'ndjson', 'failed')}`}
    </div>
  </details>`
}
