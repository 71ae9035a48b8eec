import type { createBatch } from '@sluice/contract/batch'
import { invalidRequest } from '@sluice/contract/error'
import type { Extractor, ExtractorChoice } from '@sluice/contract/extractor'
import type { Item } from '@sluice/contract/item'
import type { RequestTask } from '@sluice/contract/request-task'
import type { Engine } from '@sluice/engine/engine'
import type { z } from 'zod'
import { type CheckSchema, resolveExtractor } from './extractor-choice.ts'
import { itemsOf } from './items.ts'

/** What a request asks to do with its items. */
export type TaskChoice = ExtractorChoice | RequestTask

export type ResolvedTask =
  | { readonly extractor: Extractor; readonly requests?: undefined }
  | { readonly requests: RequestTask; readonly extractor?: undefined }

/** The task, its items with their ids, and the options of a new batch. */
export function readTask(body: z.output<typeof createBatch>): {
  readonly choice: TaskChoice
  readonly items: Iterable<Item>
  readonly options: object
} {
  if (body.task === 'request') {
    const { task: _task, endpoint, lane, items, ...options } = body
    return { choice: { object: 'request', endpoint, lane }, items: requestsOf(items), options }
  }
  const { task: _task, extractor, items, ...options } = body
  return { choice: extractor, items: itemsOf(items), options }
}

type RequestItems = Extract<z.output<typeof createBatch>, { task: 'request' }>['items']

function requestsOf(inputs: RequestItems): Iterable<Item> {
  return itemsOf(inputs.map(({ body, ...rest }) => ({ ...rest, text: JSON.stringify(body) })))
}

/** Throws a refusal that names the field that is missing or not valid. */
export async function resolveTask(
  choice: TaskChoice,
  engine: Engine,
  checkSchema: CheckSchema,
): Promise<{ readonly task: ResolvedTask; readonly warnings: string[] }> {
  if (typeof choice === 'string' || !('object' in choice)) {
    const { extractor, warnings } = await resolveExtractor(choice, engine, checkSchema)
    return { task: { extractor }, warnings }
  }
  if (!engine.lanes.includes(choice.lane)) {
    throw invalidRequest(
      'unknown_lane',
      `There is no lane '${choice.lane}'; there is: ${engine.lanes.join(', ')}.`,
      'lane',
    )
  }
  return { task: { requests: choice }, warnings: [] }
}
