import type { Batch, Sluice } from '@sluice/client'
import { ask } from '@sluice/terminal/ask'
import type { Screen } from '@sluice/terminal/screen'
import { sampleCalls, samples, watchedSample } from './samples.ts'
import { showBatch, showResults } from './show-batch.ts'

/** Submits the sample texts as two batches on `lane` and shows each until it ends. The signal stops the display; the batches continue. */
export async function runSamples(
  sluice: Sluice,
  screen: Screen,
  { url, lane, signal }: { url: string; lane: string; signal: AbortSignal },
): Promise<void> {
  for (const { title, extractor, texts, fields, rows } of samples) {
    await putExtractor(sluice, { ...extractor, lane }, signal)
    const handle = await sluice.submit(texts, { extractor: extractor.name, signal, onAbort: 'detach' })
    screen.say('')
    screen.say(`${screen.bold(`Sample: ${title}`)} ${screen.dim(`(extractor ${extractor.name}, ${handle.id})`)}`)
    const batch = await showBatch(handle, screen, signal)
    await showResults(handle, screen, { batch, texts, fields, rows, url })
    if (batch.status === 'paused') return
  }
}

/** Starts the sample that the page shows at work, without waiting for it. */
export async function startWatchedSample(
  sluice: Sluice,
  { lane, signal }: { lane: string; signal: AbortSignal },
): Promise<void> {
  const { extractor, texts, ...options } = watchedSample
  await putExtractor(sluice, { ...extractor, lane }, signal)
  await sluice.submit(texts, { extractor: extractor.name, ...options, signal, onAbort: 'detach' })
}

/** It is there to be watched on the page, and nobody waits for its end. */
export function isWatchedSample({ name, metadata }: Batch): boolean {
  return name === watchedSample.name && metadata['sample'] === true
}

/** Shows every batch until it ends, oldest first. */
export async function showUnfinished(
  sluice: Sluice,
  screen: Screen,
  { unfinished, signal }: { unfinished: readonly Batch[]; signal: AbortSignal },
): Promise<void> {
  screen.say('')
  screen.say(
    screen.bold(
      unfinished.length === 1 ? 'An unfinished batch resumes:' : `${unfinished.length} unfinished batches resume:`,
    ),
  )
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

/** Asks before money is spent. The answer is no when there is no terminal. */
export async function mayCostMoney(screen: Screen, provider: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !screen.isLive) {
    screen.say(
      `The sample batch was not submitted: its ${sampleCalls} calls to ${provider} cost money, and without a terminal there is nobody to ask.`,
    )
    return false
  }
  return ask(`Submit a sample batch? It makes ${sampleCalls} calls to ${provider}, which cost money.`, 'no', {
    input: process.stdin,
    output: process.stdout,
    signal,
  })
}
