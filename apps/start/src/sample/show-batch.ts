import type { Batch, BatchHandle, ItemResult } from '@sluice/client'
import type { Screen } from '@sluice/terminal/screen'
import { showProgress, summaryLine } from '@sluice/terminal/show-progress'
import { cell, table } from '@sluice/terminal/table'

const plainEveryMs = 2_000

/** Shows the progress of a batch until it ends or is paused. Resolves to its last state. */
export async function showBatch(handle: BatchHandle<unknown>, screen: Screen, signal: AbortSignal): Promise<Batch> {
  const last = await showProgress(handle.progress({ signal }), screen, { plainEveryMs })
  if (last === undefined) throw new Error(`The API sent no state of ${handle.id}.`)
  screen.say(summaryLine(last, screen))
  return last
}

/** The first `rows` results, with a column for each field, or the error. */
export async function showResults(
  handle: BatchHandle<unknown>,
  screen: Screen,
  shown: {
    readonly batch: Batch
    readonly texts: readonly string[]
    readonly fields: readonly string[]
    readonly rows: number
    /** Of the API. */
    readonly url: string
  },
): Promise<void> {
  const { batch, texts, fields, rows, url } = shown
  const results: ItemResult<unknown>[] = []
  for await (const result of handle.results({ follow: false })) {
    results.push(result)
    if (results.length === rows) break
  }
  const head = ['text', ...fields]
  for (const line of table(
    head,
    results.map((result) => [cell(texts[result.index]), ...cells(result, fields)]),
    screen.columns,
  )) {
    screen.say(`  ${line}`)
  }
  const more = batch.counts.total - results.length
  if (more > 0) screen.say(screen.dim(`  and ${more} more: curl '${url}/v1/batches/${batch.id}/results'`))
}

function cells(result: ItemResult<unknown>, fields: readonly string[]): string[] {
  if (result.status !== 'succeeded') return [`${result.error.type}: ${result.error.message}`]
  const data = (result.data ?? {}) as Record<string, unknown>
  return fields.map((field) => cell(data[field]))
}
