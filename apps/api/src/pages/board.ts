import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { ExpressAdapter } from '@bull-board/express'
import type { Engine } from '@sluice/engine/engine'
import express, { type Router } from 'express'

/** Every open tab polls every queue every few seconds, and rows carry whole values unless they are cut. */
const longestText = 300

/** The page asks another host for fonts: the policy of our headers stops it, and the browser reports that as an error. */
const foreignFonts = /<link[^>]*href="https:\/\/fonts\.[^>]*>/g

const descriptions: Record<string, string> = {
  batches: 'One job for each batch: it feeds the batch, and shows its progress.',
  summaries:
    'One job for each summary: it takes the summary through its levels, each a batch, and shows the progress of the level.',
  files: 'One job for each batch over a file: it checks the file, waits for the items, and lists the output files.',
  webhooks: 'One job for each event and endpoint; it is delayed between its attempts.',
}
const windowDescription = 'The window: items that run or come next. The rest of a batch waits in its ledger.'

interface JobReference {
  readonly batch_id?: string
  readonly summary_id?: string
  readonly delivery_id?: string
}

function linkTo({ batch_id: batchId = '', summary_id: summaryId, delivery_id: deliveryId }: JobReference) {
  if (deliveryId !== undefined)
    return { displayText: 'Delivery', href: `/v1/webhooks/deliveries/${encodeURIComponent(deliveryId)}` }
  return summaryId === undefined
    ? { displayText: 'Batch', href: `/v1/batches/${encodeURIComponent(batchId)}` }
    : { displayText: 'Summary', href: `/v1/summaries/${encodeURIComponent(summaryId)}` }
}

/** Bull Board over all queues: the batches with their progress, and each lane's window. */
export function createBoard(queues: Engine['queues'], { path, readOnly }: { path: string; readOnly: boolean }): Router {
  const server = new ExpressAdapter()
  server.setBasePath(path)
  createBullBoard({
    queues: queues.map((queue) => {
      const adapter = new BullMQAdapter(queue as never, {
        readOnlyMode: readOnly,
        description: descriptions[queue.name] ?? windowDescription,
        externalJobUrl: (job) => linkTo(job.data as JobReference),
      })
      for (const field of ['data', 'returnValue'] as const) adapter.setFormatter(field, cut)
      return adapter
    }),
    serverAdapter: server,
    options: {
      uiConfig: {
        boardTitle: 'Sluice',
        miscLinks: [
          { text: 'API', url: '/docs' },
          { text: 'Batches', url: '/v1/batches' },
        ],
      },
    },
  })
  const router = express.Router()
  router.use((_req, res, next) => {
    const send = res.send.bind(res)
    res.send = (body) => send(typeof body === 'string' ? body.replace(foreignFonts, '') : body)
    next()
  })
  router.use(server.getRouter() as Router)
  return router
}

function cut(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > longestText ? `${value.slice(0, longestText)}… (${value.length} characters)` : value
  if (Array.isArray(value)) return value.slice(0, 20).map(cut)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cut(inner)]))
}
