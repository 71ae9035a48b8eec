import { createReadStream, createWriteStream, existsSync, openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cli } from '../cli.ts'
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts'
import { createOpenAiApi, type OpenAiApi, type OpenAiBatch } from '../openai-api.ts'

const lookMs = 1_000
const plainEveryMs = 10_000
const shownErrors = 10

export interface OpenAiBatchOptions {
  readonly out: string
  readonly errors?: string
  readonly endpoint?: string
  readonly batch?: string
  readonly overwrite?: true
}

/** Runs a file of OpenAI's Batch API from its upload to its output files, or continues with the batch that it became. */
export async function openAiBatch(cli: Cli, path: string | undefined, options: OpenAiBatchOptions): Promise<ExitCode> {
  const { screen, signal, config } = cli
  const { out, errors = `${out.replace(/\.jsonl$/, '')}.errors.jsonl`, overwrite, batch: known } = options
  if ((path === undefined) === (known === undefined))
    throw new CliError('Name either a file or, to continue, --batch and its id.', exitCodes.usage)
  const taken = [out, errors].find((file) => existsSync(file))
  if (taken !== undefined && overwrite !== true)
    throw new CliError(`${taken} already exists. Choose another --out, or add --overwrite.`)
  await cli.connect()
  const api = createOpenAiApi(config, signal)
  const started = known === undefined ? await start(api, path ?? '', options) : await api.getBatch(known)
  screen.say(`${started.id}: ${known === undefined ? 'accepted' : started.status}.`)
  try {
    const batch = await untilEnded(api, started.id, cli)
    await save(api, batch.output_file_id, out, signal)
    await save(api, batch.error_file_id, errors, signal)
    return report(cli, batch, { out, errors })
  } catch (error) {
    if (!signal.aborted) throw error
    screen.status(null)
    screen.say(`The batch continues. To wait for it: ${cli.line('openai-batch', '--batch', started.id, '--out', out)}`)
    return exitCodes.detached
  }
}

async function start(api: OpenAiApi, path: string, { endpoint }: OpenAiBatchOptions): Promise<OpenAiBatch> {
  const url = endpoint ?? (await firstUrl(path))
  const { id } = await api.upload(new File([await openAsBlob(path)], basename(path)))
  return api.createBatch(id, url)
}

/** The endpoint that the first line names; all others must name the same one. */
async function firstUrl(path: string): Promise<string> {
  if (!existsSync(path)) throw new CliError(`There is no file ${path}.`)
  const input = createReadStream(path)
  try {
    for await (const line of createInterface({ input })) {
      const { url } = JSON.parse(line) as { url?: unknown }
      if (typeof url === 'string') return url
      break
    }
  } catch {
    // Reported below.
  } finally {
    input.destroy()
  }
  throw new CliError(
    `${path}: the first line must be a JSON object with a \`url\`, such as "/v1/chat/completions". Or give --endpoint.`,
  )
}

async function untilEnded(api: OpenAiApi, id: string, { screen, signal }: Cli): Promise<OpenAiBatch> {
  for (let plainAt = Date.now(); ;) {
    const batch = await api.getBatch(id)
    if (['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) {
      screen.status(null)
      return batch
    }
    const line = progressOf(batch)
    screen.status(() => line)
    if (!screen.isLive && Date.now() - plainAt >= plainEveryMs) {
      screen.say(line)
      plainAt = Date.now()
    }
    await sleep(lookMs, undefined, { signal })
  }
}

function progressOf({ id, status, request_counts: counts }: OpenAiBatch): string {
  const { total, completed, failed } = counts
  return total === 0
    ? `${id}: ${status}`
    : `${id}: ${status}, ${completed + failed}/${total}${failed > 0 ? `, ${failed} failed` : ''}`
}

async function save(api: OpenAiApi, fileId: string | null, path: string, signal: AbortSignal): Promise<void> {
  if (fileId === null) return
  const body = await api.content(fileId)
  await pipeline(Readable.fromWeb(body as never), createWriteStream(path), { signal })
}

function report(cli: Cli, batch: OpenAiBatch, files: { readonly out: string; readonly errors: string }): ExitCode {
  const { screen } = cli
  const { total, completed } = batch.request_counts
  cli.print(batch, () => [])
  if (batch.status === 'failed') {
    const found = batch.errors?.data ?? []
    for (const { line, message } of found.slice(0, shownErrors))
      screen.say(`${line === null ? '' : `line ${line}: `}${message}`)
    throw new CliError(`${batch.id} failed: the file has ${found.length} errors, and nothing was run.`)
  }
  const written = [
    batch.output_file_id === null ? '' : `answers in ${files.out}`,
    batch.error_file_id === null ? '' : `errors in ${files.errors}`,
  ]
  screen.say(`${batch.id}: ${batch.status}, ${completed} of ${total} succeeded; ${written.filter(Boolean).join(', ')}`)
  return completed === total ? exitCodes.ok : exitCodes.itemsFailed
}
