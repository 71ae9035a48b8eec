import type { Cli } from '../cli.ts'
import type { ExitCode } from '../cli-error.ts'
import { follow, type OutputOptions } from '../follow.ts'
import { batchOf } from './batch.ts'

export async function attach(cli: Cli, id: string, options: OutputOptions): Promise<ExitCode> {
  const handle = await batchOf(await cli.connect(), id, options.schema)
  // If the batch does not exist, this throws before a file is touched.
  await handle.status()
  return follow(cli, handle, options)
}
