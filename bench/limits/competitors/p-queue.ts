import PQueue from 'p-queue'
import { atOnce } from '../system.ts'
import { runInChild } from './in-child.ts'

/** So many in each interval as the provider's bucket holds, by the sliding window that its README advises for strict limits. */
await runInChild({}, async ({ texts, told, ask }) => {
  const intervalCap = Math.floor(told.burst)
  const interval = Math.ceil((intervalCap / told.perSecond) * 1_000)
  const queue = new PQueue({ concurrency: atOnce, intervalCap, interval, strict: true })
  await Promise.all(texts.map((_, index) => queue.add(() => ask(index)).catch(() => {})))
})
