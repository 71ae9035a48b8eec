import type { Batch } from '@sluice/contract/batch'
import { ask } from '@sluice/terminal/ask'
import type { Screen } from '@sluice/terminal/screen'
import type { ApiClient } from './api-client.ts'
import { people, personExtractor } from './person.ts'
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

/** Submits the sample texts as two batches on `lane` and shows each until its end. */
export async function runSamples(api: ApiClient, screen: Screen, lane: string): Promise<void> {
  for (const { what, extractor, texts, fields, rows } of samples) {
    await api.putExtractor({ ...extractor, lane })
    const { id } = await api.createBatch(extractor.name, texts)
    screen.say('')
    screen.say(`${screen.bold(`Sample: ${what}`)} ${screen.dim(`(extractor ${extractor.name}, ${id})`)}`)
    const batch = await showBatch(api, screen, id)
    await showResults(api, screen, { batch, texts, fields, rows })
    if (batch.status === 'paused') return
  }
}

/** Shows every batch until its end, oldest first. */
export async function showUnfinished(api: ApiClient, screen: Screen, unfinished: readonly Batch[]): Promise<void> {
  screen.say('')
  screen.say(screen.bold(unfinished.length === 1 ? 'A batch goes on:' : `${unfinished.length} batches go on:`))
  for (const { id } of unfinished.toReversed()) await showBatch(api, screen, id)
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
