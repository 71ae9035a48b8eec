import { once } from 'node:events'
import { createWriteStream, existsSync, type WriteStream } from 'node:fs'
import type { Screen } from '@sluice/terminal/screen'
import { CliError } from './cli-error.ts'
import type { Memory } from './memory.ts'

/** Where results go, a line of JSON each. */
export interface Sink extends AsyncDisposable {
  write(value: unknown): Promise<void>
  /** Takes back all that was written, for results that have changed since; resolves to false where that is not possible. */
  restart(): Promise<boolean>
}

/** Refuses a file that holds anything but earlier results of `batchId`: it may be all that is left of what was paid for. */
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
  throw new CliError(`${path} is there already, and not from this batch. Choose another --out, or say --overwrite.`)
}

/** Begins the file anew: all results are on the server, and those of items that were retried differ from what was written. */
export async function openFileSink(path: string): Promise<Sink> {
  let file = await open()
  return {
    async write(value) {
      if (file.errored !== null) refuse(file.errored)
      if (!file.write(lineOf(value))) await once(file, 'drain').catch(refuse)
    },
    async restart() {
      await close()
      file = await open()
      return true
    },
    [Symbol.asyncDispose]: close,
  }

  async function open(): Promise<WriteStream> {
    const opened = createWriteStream(path)
    // Opened before anything is said to be written there.
    await once(opened, 'open').catch(refuse)
    // Told by the next write, or at the end.
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
    throw new CliError(`--out: ${path} cannot be written: ${(error as Error).message}`)
  }
}

/** Lines on standard output, out of the way of the bar when both are on one terminal. */
export function createOutputSink(output: NodeJS.WriteStream, screen: Screen): Sink {
  return {
    async write(value) {
      let more = true
      const print = (): void => void (more = output.write(lineOf(value)))
      if (output.isTTY) screen.aside(print)
      else print()
      if (!more) await once(output, 'drain')
    },
    restart: async () => false,
    async [Symbol.asyncDispose]() {},
  }
}

/** What a transform made may be a bigint, which JSON does not have. */
export function lineOf(value: unknown): string {
  return `${JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))}\n`
}
