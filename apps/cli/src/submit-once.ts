import { createHash, randomUUID } from 'node:crypto'
import {
  ApiError,
  type BatchHandle,
  type BatchOptions,
  type NewBatchOptions,
  NotFoundError,
  type PatchBatch,
  type Schema,
  type Sluice,
} from '@sluice/client'
import { type Batch, isEnded } from '@sluice/contract/batch'
import { type BatchFlags, flagOf, toBatchOptions, toPatch } from './batch-flags.ts'
import { CliError } from './cli-error.ts'
import type { Memory, Run } from './memory.ts'
import type { Reading } from './reading.ts'
import type { Recipe } from './recipe.ts'
import { submitDocuments } from './send-documents.ts'

export interface Submission {
  readonly type: 'sent' | 'known'
  readonly handle: BatchHandle<unknown>
  readonly batch: Batch
}

export interface SubmitOnce {
  readonly client: Sluice
  readonly memory: Memory
  readonly reading: Reading
  readonly recipe: Recipe
  readonly flags: BatchFlags
  readonly server: string
  /** Sends the input although it was sent before. */
  readonly fresh: boolean
  readonly signal: AbortSignal
  /** Called with the batch that the input became before, if any. */
  readonly beforeSending: (batchId: string | undefined) => Promise<void>
}

/**
 * The same input with the same recipe is the same batch, whenever it is submitted: an interrupted upload resumes, an existing batch
 * is found, and nothing is paid for twice unless `fresh` is set. An abort keeps what was sent, so that a later run resumes.
 */
export async function submitOnce(given: SubmitOnce): Promise<Submission> {
  const { client, memory, reading, recipe, flags, server, fresh, signal } = given
  const identity = createHash('sha256')
    .update(JSON.stringify([server, await reading.check(), recipe.extractor]))
    .digest('hex')
  const earlier = fresh ? undefined : await memory.run(identity)
  await given.beforeSending(earlier?.batch_id ?? undefined)
  const patch = toPatch(flags)
  if (earlier !== undefined) requireSameOptions(earlier)
  const known = earlier?.batch_id == null ? undefined : await find(earlier.batch_id)
  if (known !== undefined && known.status !== 'uploading') return goOn(known)

  const run: Run = earlier ?? {
    idempotency_key: fresh ? `${identity}-${randomUUID()}` : identity,
    options: { name: reading.name.slice(0, 200), ...toBatchOptions(flags), metadata: { input: reading.name } },
    batch_id: null,
  }
  await memory.rememberRun(identity, run)
  const handle = await send(run)
  await memory.rememberRun(identity, { ...run, batch_id: handle.id })
  const batch = await handle.status()
  // The server knew the batch although this machine did not.
  if (isEnded(batch.status)) return goOn(batch)
  return { type: 'sent', handle, batch: await updated(batch) }

  async function send({ idempotency_key: idempotencyKey, options }: Run): Promise<BatchHandle<unknown>> {
    const work: NewBatchOptions<Schema> = {
      ...recipe.options,
      ...(options as BatchOptions),
      idempotencyKey,
      signal,
      onAbort: 'detach',
    }
    try {
      if (reading.type === 'items') return await client.submit(reading.items(), work)
      const { files, sending } = reading
      const { id } = await submitDocuments(client, {
        files,
        recipe,
        options,
        idempotencyKey,
        signal,
        onSent: sending,
      }).finally(() => sending(null))
      return handleOf(id)
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'idempotency_key_reused') throw error
      throw new CliError(
        'This input was sent before from another machine, with other options. To send it again and pay again: --fresh',
      )
    }
  }

  /** An option that cannot change while a batch runs must not be ignored silently for a batch that exists. */
  function requireSameOptions({ options }: Run): void {
    const fixed = Object.entries(toBatchOptions(flags)).filter(([name]) => !(name in patch))
    const changed = fixed.find(([name, value]) => JSON.stringify(value) !== JSON.stringify(options[name]))
    if (changed === undefined) return
    throw new CliError(
      `This input was sent before with another ${flagOf(changed[0])}, which cannot change now. Leave it out, or send the input again and pay again: --fresh`,
    )
  }

  async function find(id: string): Promise<Batch> {
    try {
      return await client.batch(id).status()
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      throw new CliError(
        `This input was sent before as ${id}, which is no longer on the server. To send it again and pay again: --fresh`,
      )
    }
  }

  async function goOn(batch: Batch): Promise<Submission> {
    if (batch.status === 'cancelled' || batch.status === 'cancelling') {
      throw new CliError(
        `This input was sent before as ${batch.id}, which was cancelled. To send it again and pay again: --fresh`,
      )
    }
    return { type: 'known', handle: handleOf(batch.id), batch: await updated(batch) }
  }

  function handleOf(id: string): BatchHandle<unknown> {
    const { schema } = recipe.options
    return schema === undefined ? client.batch(id) : client.batch(id, { schema })
  }

  /** The options of this run also apply to an existing batch. */
  async function updated(batch: Batch): Promise<Batch> {
    const differs = (Object.keys(patch) as (keyof PatchBatch)[]).some((name) => patch[name] !== batch[name])
    return differs && !isEnded(batch.status) ? client.batch(batch.id).update(patch) : batch
  }
}
