import { once } from 'node:events'
import { OpenAI } from 'openai'
import { type CaseName, createCase } from '../cases.ts'
import type { Message } from '../client-process.ts'
import { createRequest, isValid } from '../request.ts'
import type { KnownLimit } from '../system.ts'

export interface ChildResult {
  readonly seconds: number
  /** Indexes. */
  readonly answered: readonly number[]
  readonly cpuUs: number
}

export interface Work {
  readonly texts: readonly string[]
  readonly known: KnownLimit
  /** Throws when there is no valid answer after the retries of the SDK. */
  readonly ask: (index: number) => Promise<void>
}

/** The part that all competitors share: gets the work, waits for the word, counts valid answers. */
export async function runInChild(
  options: { readonly maxRetries?: number },
  way: (work: Work) => Promise<void>,
): Promise<void> {
  process.on('disconnect', () => process.exit())
  // Ctrl-C reaches the whole group; the benchmark ends its children in order.
  process.on('SIGINT', () => {})
  const tell = (type: string, value?: unknown) => void process.send?.({ type, value } satisfies Message)
  const { caseName, seconds, known } = JSON.parse(process.argv[2] ?? '') as {
    caseName: CaseName
    seconds: number
    known: KnownLimit
  }
  const texts = createCase(caseName, seconds).texts()
  const client = new OpenAI({ logLevel: 'off', ...options })
  const answered = new Set<number>()
  const ask = async (index: number) => {
    const completion = await client.chat.completions.create(createRequest(texts[index]!))
    if (!isValid(completion.choices[0]?.message.content)) throw new Error('Not valid.')
    answered.add(index)
  }

  tell('ready')
  await once(process, 'message')
  const progress = setInterval(() => tell('progress', answered.size), 500)
  const cpu = process.cpuUsage()
  const began = performance.now()
  await way({ texts, known, ask })
  const took = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  clearInterval(progress)
  tell('done', { seconds: took, answered: [...answered], cpuUs: user + system } satisfies ChildResult)
}
