import { once } from 'node:events'
import { createWriteStream, existsSync, type WriteStream } from 'node:fs'
import type { Screen } from '@sluice/terminal/screen'
import { CliError } from './cli-error.ts'
import type { Memory } from './memory.ts'

/** Where results are written, one line of JSON each. */
export interface Sink extends AsyncDisposable {
  write(value: unknown): Promise<void>
  writeText(text: string): Promise<void>
  /** Discards everything that was written, because results have changed since; resolves to false if that is not possible. */
  restart(): Promise<boolean>
}

/** Rejects a file that contains anything but earlier results of `batchId`: it may be the only copy of results that were paid for. */
export async function requireOwnOutput(
  path: string,
  {
    memory,
    batchId,
    overwrite,
  }: { readonly memory: Memory; readonly batchId: string | undefined; readonly overwrite: boolean },
): Promise<void> {
  if (overwrite || !existsSync(path)) return
  if (batchId !== undefined && (await memory.batchOfOutput(path)) === batchId) return
  throw new CliError(`${path} already exists and is not from this batch. Choose another --out, or add --overwrite.`)
}

/** Starts the file from the beginning: the server has all results, and those of retried items differ from what was written. */
export async function openFileSink(path: string): Promise<Sink> {
  let file = await open()
  return {
    write: async (value) => writeText(lineOf(value)),
    writeText,
    async restart() {
      await close()
      file = await open()
      return true
    },
    [Symbol.asyncDispose]: close,
  }

  async function writeText(text: string): Promise<void> {
    if (file.errored !== null) refuse(file.errored)
    if (!file.write(text)) await once(file, 'drain').catch(refuse)
  }

  async function open(): Promise<WriteStream> {
    const opened = createWriteStream(path)
    // Opened first, so that no message claims a file that cannot be written.
    await once(opened, 'open').catch(refuse)
    // The next write reports the error, or the end does.
    opened.on('error', () => {})
    return opened
  }

  async function close(): Promise<void> {
    if (file.closed) return
    file.end()
    await once(file, 'close').catch(refuse)
    if (file.errored !== null) refuse(file.errored)
  }

  function refuse(error: unknown): never {
    throw new CliError(`--out: cannot write ${path}: ${(error as Error).message}`)
  }
}

/** Lines on standard output. If the bar is on the same terminal, it is hidden while a line is written. */
export function createOutputSink(output: NodeJS.WriteStream, screen: Screen): Sink {
  const writeText = async (text: string): Promise<void> => {
    let more = true
    const print = (): void => void (more = output.write(text))
    if (output.isTTY) screen.aside(print)
    else print()
    if (!more) await once(output, 'drain')
  }
  return {
    write: async (value) => writeText(lineOf(value)),
    writeText,
    restart: async () => false,
    async [Symbol.asyncDispose]() {},
  }
}

/** A transform may return a bigint, which JSON does not have. */
export function lineOf(value: unknown): string {
  return `${JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))}\n`
}
