import type { Cli } from '../cli.ts'
import type { ExitCode } from '../cli-error.ts'
import { follow, openBatch, type OutputOptions } from '../follow.ts'

/** Follows a batch that exists, and writes its results. */
export async function attach(cli: Cli, id: string, options: OutputOptions): Promise<ExitCode> {
  const handle = await openBatch(await cli.connect(), id, options.schema)
  // If the batch does not exist, this throws before a file is touched.
  await handle.status()
  return follow(cli, handle, options)
}
