import { isEnded } from '@sluice/contract/batch'
import type { BatchFlags } from '../batch-flags.ts'
import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import { follow, type OutputOptions } from '../follow.ts'
import { openReading, type ReadingOptions, saySkipped } from '../reading.ts'
import { chooseRecipe, readRecipe, type RecipeOptions } from '../recipe.ts'
import { requireOwnOutput } from '../sink.ts'
import { submitOnce } from '../submit-once.ts'

export interface ExtractOptions extends OutputOptions, RecipeOptions, ReadingOptions {
  readonly schema?: string
  readonly fresh?: true
  readonly detach?: true
}

/** Sends an input, or finds the batch that it became before, and follows it. */
export async function extract(cli: Cli, path: string, options: ExtractOptions & BatchFlags): Promise<ExitCode> {
  const { screen, signal, memory } = cli
  const { out, overwrite = false, fresh = false } = options
  const choice = chooseRecipe(options)
  const reading = await openReading(path, options, cli)
  const client = await cli.connect()
  const recipe = await readRecipe(client, choice)

  try {
    const submission = await submitOnce({
      client,
      memory,
      reading,
      recipe,
      flags: options,
      server: cli.config.url,
      fresh,
      signal,
      // Rejected before anything is sent, not after all of it is paid for.
      async beforeSending(batchId) {
        if (out !== undefined) await requireOwnOutput(out, { memory, batchId, overwrite })
      },
    })
    const { handle, batch } = submission
    saySkipped(reading.skipped, screen)
    const many = `${batch.counts.total.toLocaleString('en')} ${batch.counts.total === 1 ? 'item' : 'items'}`
    const done = isEnded(batch.status) ? 'already done' : 'resuming'
    screen.say(
      submission.type === 'sent'
        ? `${handle.id}: ${many} accepted.`
        : `${handle.id}: ${many}, sent before, ${done}. (To send them again and pay again: --fresh)`,
    )
    if (options.detach === true) {
      cli.print(batch, () => [handle.id])
      screen.say(`To follow it: ${cli.line('attach', handle.id)}`)
      return exitCodes.ok
    }
    return await follow(cli, handle, options)
  } catch (error) {
    if (!signal.aborted) throw error
    screen.say('Stopped before all items were sent. Run the same command again to resume.')
    return exitCodes.detached
  }
}
