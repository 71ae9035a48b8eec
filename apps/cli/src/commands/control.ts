import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import { type BatchFlags, toPatch } from '../batch-flags.ts'

/** Pauses, resumes or cancels a batch. Changed options are applied first. */
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
    pause: `${id} is paused: ${waiting} items wait, ${running} calls in flight will finish. To resume: ${cli.line('resume', id)}`,
    resume: `${id} is resumed. To follow it: ${cli.line('attach', id)}`,
    cancel: `${id} is ${batch.status}. To get the results so far: ${cli.line('results', id)}`,
  }
  cli.print(batch, () => [said[verb]])
  return exitCodes.ok
}
