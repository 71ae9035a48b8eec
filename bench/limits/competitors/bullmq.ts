import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { atOnce } from '../system.ts'
import { runInChild } from './in-child.ts'

const addedAtOnce = 1_000

/** A job for each text, the queue's own limiter, and its retries in place of the SDK's. Its window counts from the first start in it. */
await runInChild({ maxRetries: 0 }, async ({ texts, known, ask }) => {
  const connection = new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null })
  const queue = new Queue('limits', { connection })
  const max = Math.floor(known.burst)
  const worker = new Worker<{ index: number; text: string }>('limits', ({ data }) => ask(data.index), {
    connection,
    concurrency: atOnce,
    limiter: { max, duration: Math.ceil((max / known.perSecond) * 1_000) },
  })
  worker.on('error', console.error)
  const ended = new Promise<void>((resolve) => {
    let left = texts.length
    const end = () => {
      left -= 1
      if (left === 0) resolve()
    }
    worker.on('completed', end)
    worker.on('failed', (job) => {
      // Without a job, or with attempts left, there is more to come.
      if (job !== undefined && job.attemptsMade >= (job.opts.attempts ?? 1)) end()
    })
  })
  const opts = {
    attempts: 5,
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    removeOnComplete: true,
    removeOnFail: true,
  }
  for (let at = 0; at < texts.length; at += addedAtOnce) {
    const part = texts.slice(at, at + addedAtOnce)
    await queue.addBulk(part.map((text, i) => ({ name: 'text', data: { index: at + i, text }, opts })))
  }
  await ended
})
