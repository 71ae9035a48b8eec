import { z } from 'zod'
import { batch } from './batch.ts'
import { laneView } from './lane-view.ts'
import { summary } from './summary.ts'

export const liveQuery = z.strictObject({
  batch: z.string().min(1).max(100).optional().describe('Only this batch, and the lanes.'),
})

/** The data of the events that show everything at work. */
export const liveEvent = z
  .union([
    batch,
    laneView,
    summary.omit({ chunks: true }),
    z.object({ object: z.enum(['batch', 'summary']), id: z.string() }).meta({ id: 'Gone' }),
  ])
  .meta({ id: 'LiveEvent' })
