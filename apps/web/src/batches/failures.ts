import type { Batch } from '@sluice/contract/batch'
import type { FailureGroupList } from '@sluice/contract/batch-item'
import { html } from 'htm/preact'
import { LoadError } from '../elements/notice.ts'
import { count, plural } from '../format.ts'
import { ask, batchPath } from '../http.ts'
import { useLoaded } from '../loading.ts'
import { pathTo } from '../router.ts'
import { retryFailed } from './retry.ts'

/** Failed items, grouped by what went wrong. It is loaded again when their number changes, at most every few seconds. */
export function Failures({ batch }: { batch: Batch }) {
  const { id, counts } = batch
  if (counts.failed === 0) return null
  return html`<${Groups} key=${`${id} ${step(counts.failed)}`} batch=${batch} />`
}

/** Grows with the count, but ever more rarely: a batch that fails a million times loads its groups some 100 times. */
function step(failed: number): number {
  return failed < 20 ? failed : Math.round(Math.log(failed) * 20)
}

function Groups({ batch }: { batch: Batch }) {
  const { id, counts } = batch
  const loaded = useLoaded(`errors ${id}`, (signal) =>
    ask<FailureGroupList>('GET', batchPath(id, '/errors'), { signal }),
  )
  const groups = loaded.data.value
  return html`<section class="card" aria-label="Failures">
    <div class="card-head">
      <h2>Failures</h2>
      <span class="quiet-text">${plural(counts.failed, 'item')}</span>
      <div class="actions">
        <a class="button" href=${`${pathTo('items', { id })}?status=failed`}>Show failed items</a>
      </div>
    </div>
    ${loaded.error.value !== null && html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`}
    ${
      groups !== undefined &&
      html`<div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">Items</th>
              <th scope="col">What went wrong</th>
              <th scope="col">Sample</th>
              <th scope="col"><span class="visually-hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            ${groups.data.map((group) => html`<${Group} key=${group.id} batch=${batch} group=${group} />`)}
          </tbody>
        </table>
      </div>`
    }
    ${
      groups !== undefined &&
      groups.other_count > 0 &&
      html`<p class="quiet-text">${plural(groups.other_count, 'further item')} in groups that are not kept.</p>`
    }
  </section>`
}

function Group({ batch, group }: { batch: Batch; group: FailureGroupList['data'][number] }) {
  const { id } = batch
  const canRetry = batch.status !== 'cancelled' && batch.status !== 'cancelling'
  return html`<tr>
    <td class="number">${count(group.count)}</td>
    <td>
      <span class="status" data-status="failed">${group.type}</span>
      ${group.path !== null && html` <code><bdi>${group.path}</bdi></code>`}
      <div class="clip"><bdi>${group.message}</bdi></div>
    </td>
    <td>
      ${
        group.sample !== null &&
        html`<a href=${pathTo('item', { id, index: group.sample.index })}><bdi>${group.sample.id}</bdi></a>
          <small class="clip"><bdi>${group.sample.message}</bdi></small>`
      }
    </td>
    <td>
      <div class="actions end one-line">
        <a class="button" href=${`${pathTo('items', { id })}?error_group=${encodeURIComponent(group.id)}`}>Items</a>
        ${
          canRetry &&
          html`<button
            onClick=${() => void retryFailed(batch, { error_group: group.id }, `All items that failed as “${group.type}” with this message`)}
          >
            Retry these
          </button>`
        }
      </div>
    </td>
  </tr>`
}
