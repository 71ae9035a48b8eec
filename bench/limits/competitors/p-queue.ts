import PQueue from 'p-queue'
import { atOnce } from '../system.ts'
import { runInChild } from './in-child.ts'

/** So many in each interval as the provider's bucket holds, by the sliding window that its README advises for strict limits. */
await runInChild({}, async ({ texts, known, ask }) => {
  const intervalCap = Math.floor(known.burst)
  const interval = Math.ceil((intervalCap / known.perSecond) * 1_000)
  const queue = new PQueue({ concurrency: atOnce, intervalCap, interval, strict: true })
  await Promise.all(texts.map((_, index) => queue.add(() => ask(index)).catch(() => {})))
})
