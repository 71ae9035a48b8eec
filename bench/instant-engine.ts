import { setTimeout as sleep } from 'node:timers/promises'
import type { Extractor } from '@sluice/contract/extractor'
import { laneConfig } from '@sluice/contract/lane'
import type { Call } from '@sluice/contract/outcome'
import { createEngine } from '@sluice/engine/create-engine'
import { createWorker } from '@sluice/engine/create-worker'
import type { Engine } from '@sluice/engine/engine'

export const extractor: Extractor = {
  object: 'extractor',
  name: 'bench',
  version: 1,
  schema: { type: 'object' },
  instructions: '',
  lane: 'default',
  parameters: {},
  reasks: 2,
  created_at: 0,
}

const call: Call = {
  outcome: { type: 'extracted', data: { name: 'Mary', age: 21 } },
  usage: { input_tokens: 100, output_tokens: 10 },
  cachedInputTokens: 0,
  raw: null,
  limits: null,
  latencyMs: 1,
}

function optionsFor(redisUrl: string) {
  return {
    redisUrl,
    prefix: 'bench',
    // Fixed: with a provider that answers at once, the only latency to adapt to is our own.
    lanes: { default: laneConfig.parse({ model: 'none', concurrency: 'fixed' }) },
    onError: (error: Error) => console.error(error.message),
  }
}

/** The engine alone: what is submitted waits for a worker. */
export function openEngineAlone(redisUrl: string): Promise<Engine> {
  return createEngine(optionsFor(redisUrl))
}

/** Engine and worker in this process, with a provider that answers after `latencyMs`: only Sluice's own cost is measured. */
export async function openEngine(
  redisUrl: string,
  { concurrency, latencyMs }: { concurrency: number; latencyMs: number },
) {
  const options = optionsFor(redisUrl)
  let calls = 0
  const engine = await createEngine(options)
  const worker = await createWorker({
    ...options,
    concurrency,
    retentionMs: null,
    provider: () => ({
      estimateTokens: () => ({ input: 100, mostOutput: null }),
      async extract(_request, { signal }) {
        calls += 1
        if (latencyMs > 0) await sleep(latencyMs, undefined, { signal })
        return call
      },
    }),
  })
  return {
    engine,
    /** Calls made so far. */
    calls: () => calls,
    async close() {
      await worker.close(0)
      await engine[Symbol.asyncDispose]()
    },
  }
}
