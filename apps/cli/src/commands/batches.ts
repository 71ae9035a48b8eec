import type { BatchStatus } from '@sluice/contract/batch'
import { formatUsd } from '@sluice/terminal/progress'
import { table } from '@sluice/terminal/table'
import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'

export interface BatchesOptions {
  readonly status?: BatchStatus
  readonly search?: string
  readonly after?: string
  readonly limit: number
}

/** Lists batches, newest first. */
export async function batches(cli: Cli, { status, search, after, limit }: BatchesOptions): Promise<ExitCode> {
  const client = await cli.connect()
  const list = await client.batches({
    limit,
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
    ...(after === undefined ? {} : { after }),
  })
  cli.print(list, () => {
    if (list.data.length === 0) return ['No batches found.']
    const head = ['batch', 'name', 'extractor', 'status', 'done', 'failed', 'cost', 'created']
    const rows = list.data.map(({ id, name, metadata, extractor, status, counts, cost_usd, created_at }) => [
      id,
      name ?? (typeof metadata['input'] === 'string' ? metadata['input'] : '-'),
      extractor,
      status,
      `${counts.succeeded + counts.failed + counts.cancelled}/${counts.total}`,
      String(counts.failed),
      cost_usd === null ? '-' : formatUsd(cost_usd),
      new Date(created_at * 1_000).toISOString().slice(0, 16),
    ])
    // Ids are not shortened when a program reads them.
    return table(head, rows, process.stdout.isTTY ? (process.stdout.columns ?? 120) : Number.POSITIVE_INFINITY)
  })
  if (list.next) cli.screen.say(`To see more, add: --after ${list.next}`)
  return exitCodes.ok
}
