import type { Batch } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import type { Screen } from '@sluice/terminal/screen'
import { showProgress, summaryLine } from '@sluice/terminal/show-progress'
import { cell, table } from '@sluice/terminal/table'
import type { ApiClient } from './api-client.ts'

const plainEveryMs = 2_000

/** Shows a batch's progress until it has ended or been paused, and resolves to its last state. */
export async function showBatch(api: ApiClient, screen: Screen, batchId: string): Promise<Batch> {
  const last = await showProgress(api.follow(batchId), screen, { plainEveryMs })
  if (last === undefined) throw new Error(`The API told nothing of ${batchId}.`)
  screen.say(summaryLine(last, screen))
  return last
}

/** The first `rows` results, a column for each field; what failed tells why. */
export async function showResults(
  api: ApiClient,
  screen: Screen,
  { batch, texts, fields, rows }: { batch: Batch; texts: readonly string[]; fields: readonly string[]; rows: number },
): Promise<void> {
  const results = await api.results(batch.id, rows)
  const head = ['text', ...fields]
  for (const line of table(
    head,
    results.map((result) => [cell(texts[result.index]), ...cells(result, fields)]),
    screen.columns,
  )) {
    screen.say(`  ${line}`)
  }
  const more = batch.counts.total - results.length
  if (more > 0) screen.say(screen.dim(`  and ${more} more: curl '${api.url}/v1/batches/${batch.id}/results'`))
}

function cells(result: Result, fields: readonly string[]): string[] {
  if (result.error !== undefined) return [`${result.error.type}: ${result.error.message}`]
  const data = (result.data ?? {}) as Record<string, unknown>
  return fields.map((field) => cell(data[field]))
}
