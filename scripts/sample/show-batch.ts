import type { Batch } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import { createSpeed, progressLine } from '../terminal/progress.ts'
import type { Screen } from '../terminal/screen.ts'
import { cell, table } from '../terminal/table.ts'
import type { ApiClient } from './api-client.ts'

const plainLineEveryMs = 2_000

/**
 * Shows a batch's progress until it has ended or been paused, and resolves to its last state: one line that moves on a terminal,
 * else a line every two seconds.
 */
export async function showProgress(api: ApiClient, screen: Screen, batchId: string): Promise<Batch> {
  const speed = createSpeed()
  let last: Batch | undefined
  let plainAt = 0
  for await (const batch of api.follow(batchId)) {
    last = batch
    const nowMs = Date.now()
    const { succeeded, failed, cancelled } = batch.counts
    const line = progressLine(batch, speed(succeeded + failed + cancelled, nowMs), screen.columns)
    if (screen.isLive) screen.status(line)
    else if (nowMs - plainAt >= plainLineEveryMs) {
      screen.say(line)
      plainAt = nowMs
    }
    if (batch.status === 'paused') break
  }
  if (last === undefined) throw new Error(`The API told nothing of ${batchId}.`)
  screen.status(null)
  screen.say(summaryLine(last, screen))
  return last
}

function summaryLine(batch: Batch, screen: Screen): string {
  if (batch.status === 'paused') return screen.red(`${batch.id} is paused: ${batch.pause_reason ?? 'no reason given'}`)
  const { total, succeeded, failed } = batch.counts
  const tookS = batch.finished_at === null ? null : batch.finished_at - batch.created_at
  const parts = [
    `${succeeded} of ${total} succeeded`,
    failed === 0 ? '' : screen.red(`${failed} failed`),
    tookS === null ? '' : `${tookS.toFixed(1)} s`,
    `${batch.usage.calls} calls`,
    `${batch.usage.input_tokens + batch.usage.output_tokens} tokens`,
    batch.cost_usd === null ? '' : `$${batch.cost_usd.toFixed(4)}`,
  ]
  return screen.green(`${batch.id}: `) + parts.filter((part) => part !== '').join(', ')
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
