import { formatUsd } from '@sluice/terminal/progress'
import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import { openReading, type ReadingOptions, saySkipped } from '../reading.ts'
import { estimateDocuments } from '../send-documents.ts'
import { chooseRecipe, readRecipe, type RecipeOptions } from '../recipe.ts'

/** Tells what an input would take; nothing runs. */
export async function estimate(cli: Cli, path: string, options: ReadingOptions & RecipeOptions): Promise<ExitCode> {
  const choice = chooseRecipe(options)
  const reading = await openReading(path, options, cli)
  const client = await cli.connect()
  const recipe = await readRecipe(client, choice)
  const told = await (reading.type === 'items'
    ? client.estimate(reading.items(), recipe.options)
    : estimateDocuments(client, reading.files, recipe, cli.signal))
  saySkipped(reading.skipped, cli.screen)
  cli.print(told, () => [
    `Items          ${told.items.toLocaleString('en')}`,
    `Input tokens   ${told.input_tokens.toLocaleString('en')}`,
    `Output tokens  about ${told.output_tokens.toLocaleString('en')}`,
    `Cost           ${told.cost_usd === null ? 'not known: the lane has no prices' : `about ${formatUsd(told.cost_usd)}`}`,
  ])
  return exitCodes.ok
}
