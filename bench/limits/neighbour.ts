import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from './client-process.ts'
import { createRequest } from './request.ts'

export interface NeighbourResult {
  readonly admitted: number
  readonly refused: number
}

/** Another program on the same account: so many calls a second, evenly, whatever becomes of them. */
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
const tell = (type: string, value?: unknown) => void process.send?.({ type, value } satisfies Message)
const perSecond = Number(process.argv[2])
const stopping = new AbortController()
let made = 0
let refused = 0

tell('ready')
await once(process, 'message')
const began = performance.now()
process.on('message', ({ type }: Message) => {
  if (type !== 'stop') return
  stopping.abort()
  // A refusal comes at once: what has no answer yet was admitted.
  tell('stopped', { admitted: made - refused, refused } satisfies NeighbourResult)
})
while (!stopping.signal.aborted) {
  await sleep(Math.max(0, began + (made / perSecond) * 1_000 - performance.now()))
  made += 1
  void call(made)
}

async function call(index: number): Promise<void> {
  try {
    const response = await fetch(`${process.env['OPENAI_BASE_URL']}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(createRequest(`Neighbour ${index}: my name is Jo and I am 40 years old.`)),
    })
    if (response.status === 429) refused += 1
    await response.text()
  } catch {
    // The provider has gone, so the benchmark has ended.
  }
}
