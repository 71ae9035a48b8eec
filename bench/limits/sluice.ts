import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Batch } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import { run } from '@sluice/local/processes/app-process'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { cpuUs } from '../process-cpu.ts'
import { extractor } from './request.ts'
import { atOnce, type Prepared, type System } from './system.ts'

/** API, workers and a separate Redis, as in production. No limit is configured. */
export function createSluice(name: string, workerCount: number): System {
  return {
    name,
    async prepare(job, { signal }) {
      await using stack = new AsyncDisposableStack()
      const redis = stack.use(await startOwnRedis())
      const env = {
        REDIS_URL: redis.url,
        OPENAI_BASE_URL: job.providerUrl,
        OPENAI_API_KEY: 'none',
        SLUICE_MODEL: 'simulator',
        SLUICE_CONCURRENCY: String(atOnce / workerCount),
        SLUICE_BODY_LIMIT_MB: '512',
        PORT: '0',
      }
      const api = stack.use(await run('api', env, /(http:\/\/127\.0\.0\.1:\d+)/))
      const workers: { pid: number }[] = []
      for (let i = 0; i < workerCount; i += 1) {
        signal.throwIfAborted()
        workers.push(stack.use(await run('worker', env, /worker ready/)))
      }
      const pids = { workers: workers.map(({ pid }) => pid), others: [api.pid, redis.pid()] }
      const body = JSON.stringify({ extractor, items: job.texts })
      const owned = stack.move()
      return {
        run: (onProgress) => runBatch(api.ready[1]!, body, pids, onProgress, signal),
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      }
    },
  }
}

/** From the request that submits the batch to the last line of its results. */
async function runBatch(
  url: string,
  body: string,
  pids: { readonly workers: readonly number[]; readonly others: readonly number[] },
  onProgress: Parameters<Prepared['run']>[0],
  signal: AbortSignal,
): ReturnType<Prepared['run']> {
  const before = { workers: cpuOf(pids.workers), others: cpuOf(pids.others) }
  const began = performance.now()
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/batches`, { method: 'POST', headers, body, signal })
  if (response.status !== 202) throw new Error(`The batch was not taken: ${await response.text()}`)
  const { id } = (await response.json()) as Batch
  const results = await fetch(`${url}/v1/batches/${id}/results?order=completion&follow=true`, { signal })
  let done = 0
  const answered: number[] = []
  for await (const line of createInterface({ input: Readable.fromWeb(results.body as ReadableStream) })) {
    done += 1
    const { index, status } = JSON.parse(line) as Result
    if (status === 'succeeded') answered.push(index)
    onProgress(done)
  }
  return {
    seconds: (performance.now() - began) / 1_000,
    answered,
    cpuUs: cpuOf(pids.workers) - before.workers,
    othersCpuUs: cpuOf(pids.others) - before.others,
  }
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuUs(pid), 0)
}
