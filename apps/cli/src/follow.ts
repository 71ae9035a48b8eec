import { type BatchHandle, ConnectionError, type ItemResult, type Sluice } from '@sluice/client'
import { type Batch, isEnded } from '@sluice/contract/batch'
import { showProgress, summaryLine } from '@sluice/terminal/show-progress'
import type { Cli } from './cli.ts'
import { CliError, type ExitCode, exitCodes } from './cli-error.ts'
import { createFailures, type Failures } from './failures.ts'
import { loadSchemaFile } from './schema-file.ts'
import { createOutputSink, openFileSink, requireOwnOutput } from './sink.ts'

const plainEveryMs = 10_000
const defaultOrder = 'completion'

/** Where results are written, and how. */
export interface OutputOptions {
  /** None: standard output. */
  readonly out?: string
  readonly order?: 'completion' | 'input'
  readonly overwrite?: true
  /** The schema file that values are checked with when they arrive. */
  readonly schema?: string
}

/** The handle of a batch. It checks values with the schema file, if one is given. */
export async function openBatch(client: Sluice, id: string, schema: string | undefined): Promise<BatchHandle<unknown>> {
  return schema === undefined ? client.batch(id) : client.batch(id, { schema: (await loadSchemaFile(schema)).schema })
}

/**
 * Shows a batch and writes its results until it has ended, is paused, or the user detaches with Ctrl-C. Reports the end and
 * what the user can do next, and resolves to the exit code.
 */
export async function follow(cli: Cli, handle: BatchHandle<unknown>, options: OutputOptions): Promise<ExitCode> {
  const { screen, signal, memory } = cli
  const { out, order = defaultOrder, overwrite = false } = options
  if (out !== undefined) {
    await requireOwnOutput(out, { memory, batchId: handle.id, overwrite })
    await memory.rememberOutput(out, handle.id)
  }
  await using sink = out === undefined ? createOutputSink(process.stdout, screen) : await openFileSink(out)
  const failures = createFailures()
  const write = async (result: ItemResult<unknown>): Promise<void> => {
    failures.see(result)
    await sink.write(inOrder(result))
  }

  try {
    const batch = await watch(cli, handle, { order, write })
    if (failures.haveChanged && (await sink.restart())) {
      failures.forget()
      for await (const result of handle.results({ order, follow: false, signal })) await write(result)
    }
    if (cli.json && out !== undefined) cli.print(batch, () => [])
    return sayEnd(cli, batch, failures, options)
  } catch (error) {
    if (!signal.aborted && !(error instanceof ConnectionError)) throw error
    screen.say(
      `${signal.aborted ? 'Detached' : 'The connection is lost'}. ${handle.id} continues on the server. To attach again:`,
    )
    screen.say(`  ${cli.line('attach', handle.id, ...argsOf(options))}`)
    if (!signal.aborted) throw error
    return exitCodes.detached
  }
}

/** Resolves to the last state when all results that exist by then have been written. */
async function watch(
  { screen, signal }: Cli,
  handle: BatchHandle<unknown>,
  {
    order,
    write,
  }: { readonly order: 'completion' | 'input'; readonly write: (result: ItemResult<unknown>) => Promise<void> },
): Promise<Batch> {
  let cursor: string | undefined
  const read = async (follow: boolean, ending: AbortSignal): Promise<void> => {
    const after = cursor === undefined ? {} : { after: cursor }
    for await (const result of handle.results({ order, follow, ...after, signal: ending })) {
      await write(result)
      cursor = result.cursor
    }
  }
  const enough = new AbortController()
  const broken = new AbortController()
  // An error of the reading also ends the progress, which then throws it.
  const written = read(true, AbortSignal.any([signal, enough.signal])).catch((error: unknown) => broken.abort(error))
  try {
    const snapshots = handle.progress({ signal: AbortSignal.any([signal, broken.signal]) })
    const last = await showProgress(snapshots, screen, { plainEveryMs })
    if (last?.status === 'paused') {
      enough.abort()
      await written
      await read(false, signal)
      return last
    }
    if (last === undefined || !isEnded(last.status))
      throw new CliError(`${handle.id} no longer exists on the server: it was deleted.`)
    screen.status(() => 'Writing the results...')
    await written
    broken.signal.throwIfAborted()
    return last
  } finally {
    screen.status(null)
    enough.abort()
    await written
  }
}

function sayEnd(cli: Cli, batch: Batch, failures: Failures, options: OutputOptions): ExitCode {
  const { screen, line } = cli
  const args = argsOf(options)
  screen.say(summaryLine(batch, screen))
  if (options.out !== undefined) screen.say(`Results: ${options.out}`)
  if (batch.status === 'paused') {
    const isCapped = batch.pause_reason?.startsWith('max_cost_usd') === true
    const more = batch.max_cost_usd === null || !isCapped ? [] : ['--max-cost', String(2 * batch.max_cost_usd)]
    screen.say(`No item is lost. ${isCapped ? 'To allow a higher cost' : 'When you have fixed the cause'}:`)
    screen.say(`  ${line('resume', batch.id, ...more)} && ${line('attach', batch.id, ...args)}`)
    return exitCodes.paused
  }
  const { failed, cancelled } = batch.counts
  if (failed > 0 && batch.status === 'completed') {
    screen.say(`Failed: ${failures.byType()}. To retry only these:`)
    screen.say(`  ${line('retry', batch.id, ...args)}`)
  }
  const unfit = failures.count - failed - cancelled
  if (unfit > 0) {
    screen.say(
      `${unfit} match the JSON Schema but not the checks in ${options.schema ?? 'the schema'}. If the model should be asked again when a check fails, put the schema into sluice.config.ts.`,
    )
  }
  return failures.count > 0 || failed > 0 || cancelled > 0 ? exitCodes.itemsFailed : exitCodes.ok
}

/** The options that the user must repeat for the same output. */
function argsOf({ out, order = defaultOrder, schema }: OutputOptions): string[] {
  return [
    ...(out === undefined ? [] : ['--out', out]),
    ...(order === defaultOrder ? [] : ['--order', order]),
    ...(schema === undefined ? [] : ['--schema', schema]),
  ]
}

/** The fields that people look for come first. */
export function inOrder(result: ItemResult<unknown>): object {
  const { index, id, status, response } = result
  if (result.status !== 'succeeded') return Object.assign({ index, id, status, error: result.error }, result)
  if (response === undefined) return Object.assign({ index, id, status, data: result.data }, result)
  const { data: _response, ...rest } = result
  return Object.assign({ index, id, status, response }, rest)
}
