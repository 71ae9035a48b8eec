import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { CliError } from './cli-error.ts'

const run = z.object({
  /** Identifies the submission on the server, also one that was interrupted. */
  idempotency_key: z.string(),
  /** As they were submitted: the server rejects the same key with other options. */
  options: z.record(z.string(), z.unknown()),
  /** Null until the batch was accepted. */
  batch_id: z.string().nullable(),
})
export type Run = z.infer<typeof run>

const output = z.object({ batch_id: z.string() })

/** What this machine remembers, in small files: which batch an input became, so that it is sent once, and which batch a results file belongs to. */
export interface Memory {
  /** `identity` is the digest of everything that defines the work. */
  run(identity: string): Promise<Run | undefined>
  rememberRun(identity: string, run: Run): Promise<void>
  batchOfOutput(path: string): Promise<string | undefined>
  rememberOutput(path: string, batchId: string): Promise<void>
}

/** A file that cannot be read counts as missing; one that cannot be written is a CliError. */
export function createMemory(directory: string): Memory {
  const fileOfRun = (identity: string) => join(directory, 'runs', `${identity}.json`)
  const fileOfOutput = (path: string) =>
    join(directory, 'outputs', `${createHash('sha256').update(resolve(path)).digest('hex')}.json`)
  return {
    run: (identity) => read(fileOfRun(identity), run),
    rememberRun: (identity, value) => write(fileOfRun(identity), value),
    batchOfOutput: async (path) => (await read(fileOfOutput(path), output))?.batch_id,
    rememberOutput: (path, batchId) => write(fileOfOutput(path), { batch_id: batchId }),
  }
}

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Writes the whole file or nothing: the process may be killed at any time. */
async function write(file: string, value: unknown): Promise<void> {
  const unfinished = `${file}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(unfinished, `${JSON.stringify(value)}\n`, { mode: 0o600 })
    await rename(unfinished, file)
  } catch (error) {
    // Without this file the next run would pay for the same input again.
    throw new CliError(
      `Cannot write to ${dirname(file)} (${(error as NodeJS.ErrnoException).code}), where this command stores what it has sent. Set XDG_STATE_HOME to a folder that you can write to.`,
    )
  }
}
