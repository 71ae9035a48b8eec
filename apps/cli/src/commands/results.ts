import type { ResultStatus } from '@sluice/contract/result'
import type { Cli } from '../cli.ts'
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts'
import { inOrder, openBatch, type OutputOptions } from '../follow.ts'
import { createOutputSink, openFileSink, requireOwnOutput, type Sink } from '../sink.ts'

export interface ResultsCommandOptions extends OutputOptions {
  readonly follow?: true
  readonly after?: string
  readonly status?: ResultStatus
  readonly format?: 'jsonl' | 'csv'
  readonly keepFormulas?: true
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
    if (options.format === 'csv') await writeTable(cli, id, options, sink)
    else for await (const result of handle.results(query)) await sink.write(inOrder(result))
    return exitCodes.ok
  } catch (error) {
    if (!cli.signal.aborted) throw error
    return exitCodes.detached
  }
}

/** As the server writes it: a column for each value of the schema. */
async function writeTable(cli: Cli, id: string, options: ResultsCommandOptions, sink: Sink): Promise<void> {
  const { order = 'input', after, status, follow, keepFormulas, schema } = options
  if (schema !== undefined) throw new CliError('--format csv: values are not checked with --schema; leave it out.')
  const query = new URLSearchParams({ format: 'csv', order })
  if (follow === true) query.set('follow', 'true')
  if (keepFormulas === true) query.set('formulas', 'keep')
  if (after !== undefined) query.set('after', after)
  if (status !== undefined) query.set('status', status)
  const path = `/v1/batches/${encodeURIComponent(id)}/results?${query.toString()}`
  const { body } = await (await cli.connect()).request(path, { signal: cli.signal })
  if (body === null) return
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) await sink.writeText(chunk)
}
