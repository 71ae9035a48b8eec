import type { Retried, RetryOptions } from '@sluice/client'
import { failureType } from '@sluice/contract/result'
import { formatUsd } from '@sluice/terminal/progress'
import type { Cli } from '../cli.ts'
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts'
import { follow, openBatch, type OutputOptions } from '../follow.ts'

export interface RetryCommandOptions extends OutputOptions {
  readonly errorType?: string
  readonly errorGroup?: string
  readonly items?: readonly string[]
  readonly dryRun?: true
  readonly detach?: true
}

/** Retries failed items and follows the batch. */
export async function retry(cli: Cli, id: string, options: RetryCommandOptions): Promise<ExitCode> {
  const selection = select(options)
  const handle = await openBatch(await cli.connect(), id, options.schema)
  const retried = await handle.retry(selection)
  const many = `${retried.retried} ${retried.retried === 1 ? 'item' : 'items'}`
  if (options.dryRun === true || options.detach === true || retried.retried === 0) {
    cli.print(retried, () => [options.dryRun ? `${many} would be retried${costOf(retried)}.` : `Retrying ${many}.`])
    return exitCodes.ok
  }
  cli.screen.say(`Retrying ${many}.`)
  return follow(cli, handle, options)
}

function costOf({ estimate }: Retried): string {
  if (estimate === null) return ''
  const tokens = (estimate.input_tokens + estimate.output_tokens).toLocaleString('en')
  return estimate.cost_usd === null ? `, with about ${tokens} tokens` : `, for about ${formatUsd(estimate.cost_usd)}`
}

function select({ errorType, errorGroup, items, dryRun }: RetryCommandOptions): RetryOptions {
  const type = errorType === undefined ? undefined : failureType.safeParse(errorType)
  if (type?.success === false) {
    throw new CliError(
      `--error-type: '${errorType}' is not a type of error. Use one of: ${failureType.options.join(', ')}.`,
      exitCodes.usage,
    )
  }
  return {
    ...(type === undefined ? {} : { error_type: type.data }),
    ...(errorGroup === undefined ? {} : { error_group: errorGroup }),
    ...(items === undefined ? {} : { items: [...items] }),
    ...(dryRun === true ? { dry_run: true } : {}),
  }
}
