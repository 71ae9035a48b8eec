import type { RetryOptions } from '@sluice/client'
import { failureType } from '@sluice/contract/result'
import type { Cli } from '../cli.ts'
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts'
import { follow, openBatch, type OutputOptions } from '../follow.ts'

export interface RetryCommandOptions extends OutputOptions {
  readonly errorType?: string
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
    cli.print(retried, () => [options.dryRun ? `${many} would be retried.` : `Retrying ${many}.`])
    return exitCodes.ok
  }
  cli.screen.say(`Retrying ${many}.`)
  return follow(cli, handle, options)
}

function select({ errorType, items, dryRun }: RetryCommandOptions): RetryOptions {
  const type = errorType === undefined ? undefined : failureType.safeParse(errorType)
  if (type?.success === false) {
    throw new CliError(
      `--error-type: '${errorType}' is not a type of error. Use one of: ${failureType.options.join(', ')}.`,
      exitCodes.usage,
    )
  }
  return {
    ...(type === undefined ? {} : { error_type: type.data }),
    ...(items === undefined ? {} : { items: [...items] }),
    ...(dryRun === true ? { dry_run: true } : {}),
  }
}
