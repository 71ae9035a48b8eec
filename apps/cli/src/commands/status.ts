import type { Batch } from '@sluice/contract/batch'
import { formatDuration, formatUsd } from '@sluice/terminal/progress'
import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'

/** Shows the current state of one batch. */
export async function status(cli: Cli, id: string): Promise<ExitCode> {
  const client = await cli.connect()
  const batch = await client.batch(id).status()
  cli.print(batch, () => describe(batch))
  return exitCodes.ok
}

function describe(batch: Batch): string[] {
  const { counts, usage } = batch
  const rows: [string, string | null][] = [
    ['Batch', batch.id],
    ['Input', typeof batch.metadata['input'] === 'string' ? batch.metadata['input'] : null],
    batch.task === 'request'
      ? ['Requests', `to ${batch.extractor.replace(/^request /, '')} on lane ${batch.lane}`]
      : ['Extractor', `${batch.extractor} on lane ${batch.lane}`],
    ['Status', batch.pause_reason === null ? batch.status : `${batch.status}: ${batch.pause_reason}`],
    [
      'Waits',
      batch.hold === null ? null : `until ${new Date(batch.hold.until * 1_000).toISOString()}, ${batch.hold.reason}`,
    ],
    [
      'Items',
      `${counts.total}: ${Object.entries(counts)
        .flatMap(([name, count]) => (name === 'total' ? [] : [`${count} ${name}`]))
        .join(', ')}`,
    ],
    ['Calls', `${usage.calls}${usage.repeated_calls === 0 ? '' : `, ${usage.repeated_calls} of them repeated`}`],
    ['Tokens', `${usage.input_tokens} in, ${usage.output_tokens} out`],
    [
      'Cost',
      batch.cost_usd === null
        ? null
        : `${formatUsd(batch.cost_usd)}${batch.max_cost_usd === null ? '' : ` of at most ${formatUsd(batch.max_cost_usd)}`}`,
    ],
    ['Time left', batch.eta_s === null ? null : `about ${formatDuration(batch.eta_s.p50)}`],
    ['Skipped', batch.skipped === null ? null : `${batch.skipped.count} invalid lines`],
    ['Created', new Date(batch.created_at * 1_000).toISOString()],
    ['Finished', batch.finished_at === null ? null : new Date(batch.finished_at * 1_000).toISOString()],
  ]
  return rows.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(10)} ${value}`]))
}
