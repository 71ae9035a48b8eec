import { formatUsd } from '@sluice/terminal/progress'
import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import { openReading, type ReadingOptions, saySkipped } from '../reading.ts'
import { estimateDocuments } from '../send-documents.ts'
import { chooseRecipe, readRecipe, type RecipeOptions } from '../recipe.ts'

/** Shows what an input would cost. Nothing runs. */
export async function estimate(cli: Cli, path: string, options: ReadingOptions & RecipeOptions): Promise<ExitCode> {
  const choice = chooseRecipe(options)
  const reading = await openReading(path, options, cli)
  const client = await cli.connect()
  const recipe = await readRecipe(client, choice)
  const estimated = await (reading.type === 'items'
    ? client.estimate(reading.items(), recipe.options)
    : estimateDocuments(client, reading.files, recipe, cli.signal))
  saySkipped(reading.skipped, cli.screen)
  cli.print(estimated, () => [
    `Items          ${estimated.items.toLocaleString('en')}`,
    `Input tokens   ${estimated.input_tokens.toLocaleString('en')}`,
    `Output tokens  about ${estimated.output_tokens.toLocaleString('en')}`,
    `Cost           ${estimated.cost_usd === null ? 'unknown: the lane has no prices' : `about ${formatUsd(estimated.cost_usd)}`}`,
  ])
  return exitCodes.ok
}
