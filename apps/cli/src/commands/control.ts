import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import { type BatchFlags, toPatch } from '../batch-flags.ts'

/** Pauses, resumes or cancels a batch; what is to be changed of it is changed before. */
export async function control(
  cli: Cli,
  verb: 'pause' | 'resume' | 'cancel',
  { id, live = {} }: { readonly id: string; readonly live?: BatchFlags },
): Promise<ExitCode> {
  const client = await cli.connect()
  const patch = toPatch(live)
  if (Object.keys(patch).length > 0) await client.batch(id).update(patch)
  const batch = await client.batch(id)[verb]()
  const { waiting, running } = batch.counts
  const said = {
    pause: `${id} is paused: ${waiting} items wait, ${running} calls in flight end. To go on: ${cli.line('resume', id)}`,
    resume: `${id} goes on. To see it: ${cli.line('attach', id)}`,
    cancel: `${id} is ${batch.status}. What is done stays: ${cli.line('results', id)}`,
  }
  cli.print(batch, () => [said[verb]])
  return exitCodes.ok
}
