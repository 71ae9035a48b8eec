import type { ResultStatus } from '@sluice/contract/result'
import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import { inOrder, openBatch, type OutputOptions } from '../follow.ts'
import { createOutputSink, openFileSink, requireOwnOutput } from '../sink.ts'

export interface ResultsCommandOptions extends OutputOptions {
  readonly follow?: true
  readonly after?: string
  readonly status?: ResultStatus
}

/** Writes the results that exist now, or with `follow` all results until the batch has ended. */
export async function results(cli: Cli, id: string, options: ResultsCommandOptions): Promise<ExitCode> {
  const { out, order = 'input', after, status, overwrite = false } = options
  const handle = await openBatch(await cli.connect(), id, options.schema)
  await handle.status()
  if (out !== undefined) {
    await requireOwnOutput(out, { memory: cli.memory, batchId: id, overwrite })
    await cli.memory.rememberOutput(out, id)
  }
  await using sink = out === undefined ? createOutputSink(process.stdout, cli.screen) : await openFileSink(out)
  const query = {
    order,
    follow: options.follow === true,
    ...(after === undefined ? {} : { after }),
    ...(status === undefined ? {} : { status }),
    signal: cli.signal,
  }
  try {
    for await (const result of handle.results(query)) await sink.write(inOrder(result))
    return exitCodes.ok
  } catch (error) {
    if (!cli.signal.aborted) throw error
    return exitCodes.detached
  }
}
