import type { Batch } from '@sluice/contract/batch'
import type { Attempt, batchItemDetail } from '@sluice/contract/batch-item'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { Json, JsonText } from '../elements/json.ts'
import { LoadError } from '../elements/notice.ts'
import { Status } from '../elements/status.ts'
import { clockOf, count, milliseconds, money, plural, timeOf } from '../format.ts'
import { ask, batchPath } from '../http.ts'
import { useLoaded } from '../loading.ts'
import { pathTo } from '../router.ts'
import { retryFailed } from '../batches/retry.ts'
import { markFound } from './mark-found.ts'

type ItemDetail = (typeof batchItemDetail)['_output']

/** One item: its text or request beside its answer, and every call that was made for it. */
export function ItemView({ batch, index }: { batch: Batch; index: number }) {
  const { id, counts } = batch
  const loaded = useLoaded(`item ${id} ${index}`, (signal) =>
    ask<ItemDetail>('GET', batchPath(id, `/items/${index}`), { signal }),
  )
  const item = loaded.data.value
  const unfinished = item !== undefined && (item.status === 'waiting' || item.status === 'running')
  const done = counts.succeeded + counts.failed + counts.cancelled
  useEffect(() => {
    if (unfinished) loaded.reload()
  }, [unfinished, done])
  const to = (other: number) => `${pathTo('item', { id, index: other })}${location.search}`
  return html`<div class="card-head">
      <a href=${`${pathTo('items', { id })}${location.search}`}>Items</a>
      <h2>Item ${count(index)} ${item !== undefined && html`<${Status} status=${item.status} />`}</h2>
      ${item !== undefined && html`<code><bdi>${item.id}</bdi></code>`}
      <div class="actions">
        ${
          item?.status === 'failed' &&
          html`<button onClick=${() => void retryFailed(batch, { items: [item.id] }, 'This item')}>
            Retry this item
          </button>`
        }
        ${index > 0 && html`<a class="button" href=${to(index - 1)}>← Previous</a>`}
        ${index < counts.total - 1 && html`<a class="button" href=${to(index + 1)}>Next →</a>`}
      </div>
    </div>
    ${loaded.error.value !== null && html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`}
    ${item === undefined && loaded.error.value === null && html`<p class="list-end">Loading…</p>`}
    ${item !== undefined && html`<${Detail} item=${item} isRequest=${batch.task === 'request'} />`}`
}

function Detail({ item, isRequest }: { item: ItemDetail; isRequest: boolean }) {
  const { result, metadata, attempts } = item
  return html`<div class="columns">
      <section class="card">
        <${Input} item=${item} isRequest=${isRequest} />
        ${
          metadata !== null &&
          html`<h3 class="space">Metadata</h3>
            <${Json} value=${metadata} />`
        }
      </section>
      <section class="card">
        <h2>Answer</h2>
        <${Answer} result=${result} isRequest=${isRequest} />
      </section>
    </div>
    ${attempts.length > 0 && html`<${Attempts} attempts=${attempts} />`}`
}

function Input({ item: { text, result }, isRequest }: { item: ItemDetail; isRequest: boolean }) {
  if (isRequest)
    return html`<h2>Request</h2>
      <${JsonText} text=${text} label="Request" />`
  return html`<h2>Text</h2>
    ${
      text === ''
        ? html`<p class="quiet-text">There is no text.</p>`
        : html`<pre class="text" tabindex="0" dir="auto">${markFound(text, result?.data)}</pre>`
    }`
}

function Answer({ result, isRequest }: { result: ItemDetail['result']; isRequest: boolean }) {
  if (result === null) return html`<p class="quiet-text">Not done yet.</p>`
  const notes = [
    result.repaired === true ? 'The answer was not plain JSON: text around it was left out.' : '',
    result.cached === true ? 'From an earlier batch: no call was made.' : '',
    result.duplicate_of === undefined
      ? ''
      : `The same ${isRequest ? 'request' : 'text'} as item ${count(result.duplicate_of)}: no call was made.`,
  ].filter((note) => note !== '')
  return html`${
      result.error !== undefined &&
      html`<div class="notice" data-kind="error">
        <span><strong>${result.error.type}</strong>: <bdi>${result.error.message}</bdi></span>
      </div>`
    }
    ${result.data !== undefined && html`<${Json} value=${result.data} />`}
    ${result.response !== undefined && html`<${Response} response=${result.response} />`}
    ${
      result.raw !== undefined &&
      html`<h3 class="space">Last answer of the model</h3>
        <pre dir="auto">${result.raw}</pre>`
    }
    ${notes.map((note) => html`<p class="quiet-text">${note}</p>`)}
    <p class="quiet-text space">
      ${[
        plural(result.attempts, 'call'),
        result.usage === undefined
          ? ''
          : `${count(result.usage.input_tokens)} tokens in, ${count(result.usage.output_tokens)} out`,
        result.cost_usd === undefined ? '' : money(result.cost_usd),
      ]
        .filter((part) => part !== '')
        .join(' · ')}
    </p>`
}

/** What the provider answered, unchanged. */
function Response({ response }: { response: NonNullable<NonNullable<ItemDetail['result']>['response']> }) {
  const { status_code: status, request_id: requestId, body } = response
  return html`<p class="quiet-text">
      HTTP ${status}${requestId !== '' && html` · request <code><bdi>${requestId}</bdi></code>`}
    </p>
    <${JsonText} text=${body} label="Response" />`
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  return html`<section class="card">
    <h2>Calls</h2>
    <ol class="attempts">
      ${attempts.map(
        (attempt, at) =>
          html`<li key=${at}>
            <div class="card-head">
              <strong>Call ${at + 1}</strong>
              <${Status}
                status=${attempt.outcome}
                bad=${attempt.outcome !== 'extracted' && attempt.outcome !== 'responded'}
              />
              <span class="quiet-text">
                ${[
                  attempt.latency_ms === null ? '' : milliseconds(attempt.latency_ms),
                  `${count(attempt.usage.input_tokens)} tokens in, ${count(attempt.usage.output_tokens)} out`,
                  attempt.cost_usd === null ? '' : money(attempt.cost_usd),
                ]
                  .filter((part) => part !== '')
                  .join(' · ')}
                ${attempt.at !== null && html`<time title=${timeOf(attempt.at)}> · ${clockOf(attempt.at)}</time>`}
              </span>
            </div>
            ${attempt.reason !== null && html`<p class="reason-text"><bdi>${attempt.reason}</bdi></p>`}
            ${
              attempt.raw !== null &&
              html`<details>
                <summary>Raw answer</summary>
                <pre dir="auto">${attempt.raw}</pre>
              </details>`
            }
          </li>`,
      )}
    </ol>
  </section>`
}
