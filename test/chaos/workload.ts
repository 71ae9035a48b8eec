import type { Result } from '@sluice/contract/result'
import pLimit from 'p-limit'
import type { PatientClient } from './patient-client.ts'

const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}
/** Small batches that are sent, and whose results are followed, at the same time. */
const smallAtOnce = 40

/** A batch of the run, and the results that its reader has seen. */
export interface RunBatch {
  readonly id: string
  readonly size: number
  readonly seen: readonly Result[]
}

/** The texts say what the right answer is. */
export function ageOf(index: number): number {
  return index % 90
}

export interface Workload {
  /** Resolves when the results of each batch were read to their end. */
  readonly followed: Promise<unknown>
  /** Batches that were stored by now. */
  batches(): readonly RunBatch[]
}

/** Sends batches of these sizes, the first three at once and followed from the start, the others 40 at a time and followed after that. */
export async function startWorkload(client: PatientClient, seed: number, sizes: readonly number[]): Promise<Workload> {
  const batches: RunBatch[] = []
  const submit = async (size: number, number: number) => {
    const items = Array.from(
      { length: size },
      (_, i) => `My name is Bob and I am ${ageOf(i)} years old. Batch ${number}, text ${i}.`,
    )
    const { id } = await client.submit(`chaos-${seed}-${number}`, { extractor: { schema }, items })
    const seen: Result[] = []
    batches.push({ id, size, seen })
    return async () => client.follow(id, (result) => seen.push(result))
  }
  const large = await Promise.all(sizes.slice(0, 3).map(submit))
  const small = async () => {
    const limit = pLimit(smallAtOnce)
    const readers = await limit.map(sizes.slice(3), async (size, i) => submit(size, i + 3))
    await limit.map(readers, async (follow) => follow())
  }
  const followed = Promise.all([...large.map(async (follow) => follow()), small()])
  followed.catch(() => {})
  return { followed, batches: () => batches }
}
