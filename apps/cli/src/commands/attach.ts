import type { Cli } from '../cli.ts'
import type { ExitCode } from '../cli-error.ts'
import { follow, type OutputOptions } from '../follow.ts'
import { batchOf } from './batch.ts'

export async function attach(cli: Cli, id: string, options: OutputOptions): Promise<ExitCode> {
  const handle = await batchOf(await cli.connect(), id, options.schema)
  // Says so before a file is touched when there is no such batch.
  await handle.status()
  return follow(cli, handle, options)
}
