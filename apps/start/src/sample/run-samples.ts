import type { Batch, Sluice } from '@sluice/client'
import { ask } from '@sluice/terminal/ask'
import type { Screen } from '@sluice/terminal/screen'
import { texts as people } from '../../../../examples/people.ts'
import { personExtractor } from './person.ts'
import { showBatch, showResults } from './show-batch.ts'
import { ticketExtractor, tickets } from './tickets.ts'

const samples = [
  { what: 'seven people', extractor: personExtractor, texts: people, fields: ['name', 'age'], rows: 7 },
  {
    what: `${tickets.length} messages to a shop`,
    extractor: ticketExtractor,
    texts: tickets,
    fields: ['customer', 'product', 'order_number', 'amount', 'category', 'urgency', 'sentiment'],
    rows: 12,
  },
] as const

/** Submits the sample texts as two batches on `lane` and shows each until its end. The signal ends the showing; the batches run on. */
export async function runSamples(
  sluice: Sluice,
  screen: Screen,
  { url, lane, signal }: { url: string; lane: string; signal: AbortSignal },
): Promise<void> {
  for (const { what, extractor, texts, fields, rows } of samples) {
    await putExtractor(sluice, { ...extractor, lane }, signal)
    const handle = await sluice.submit(texts, { extractor: extractor.name, signal, onAbort: 'detach' })
    screen.say('')
    screen.say(`${screen.bold(`Sample: ${what}`)} ${screen.dim(`(extractor ${extractor.name}, ${handle.id})`)}`)
    const batch = await showBatch(handle, screen, signal)
    await showResults(handle, screen, { batch, texts, fields, rows, url })
    if (batch.status === 'paused') return
  }
}

/** Shows every batch until its end, oldest first. */
export async function showUnfinished(
  sluice: Sluice,
  screen: Screen,
  { unfinished, signal }: { unfinished: readonly Batch[]; signal: AbortSignal },
): Promise<void> {
  screen.say('')
  screen.say(screen.bold(unfinished.length === 1 ? 'A batch goes on:' : `${unfinished.length} batches go on:`))
  for (const { id } of unfinished.toReversed()) await showBatch(sluice.batch(id), screen, signal)
}

async function putExtractor(sluice: Sluice, extractor: object, signal: AbortSignal): Promise<void> {
  const response = await sluice.request('/v1/extractors', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(extractor),
    signal,
  })
  await response.body?.cancel()
}

/** Asks before money is spent. No where there is nobody to ask. */
export async function mayCostMoney(screen: Screen, provider: string, signal: AbortSignal): Promise<boolean> {
  const calls = people.length + tickets.length
  if (!process.stdin.isTTY || !screen.isLive) {
    screen.say(
      `The sample batch was not submitted: its ${calls} calls to ${provider} cost money, and there is no terminal to ask at.`,
    )
    return false
  }
  return ask(`Submit a sample batch? It makes ${calls} calls to ${provider}, which cost money.`, 'no', {
    input: process.stdin,
    output: process.stdout,
    signal,
  })
}
