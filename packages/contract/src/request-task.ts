import { z } from 'zod'
import type { Extractor } from './extractor.ts'
import { extractorLabel, laneName } from './extractor.ts'

/** The endpoints of OpenAI's API that a batch of raw requests may call. */
export const requestEndpoint = z.enum([
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
])
export type RequestEndpoint = z.infer<typeof requestEndpoint>

/** The task of a batch whose items are request bodies: each is sent to the lane's provider as it is, and its response is the result. */
const requestTask = z.object({ object: z.literal('request'), endpoint: requestEndpoint, lane: laneName })
export type RequestTask = z.infer<typeof requestTask>

/** What the items of a batch are, and what is done with each of them. */
export type TaskDefinition = Extractor | RequestTask

/** The task's name in lists and jobs: `person@3`, `inline`, or `request /v1/embeddings`. */
export function taskLabel(task: TaskDefinition): string {
  return task.object === 'request' ? `request ${task.endpoint}` : extractorLabel(task)
}
