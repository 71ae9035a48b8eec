import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { cpuUs } from '../process-cpu.ts'
import type { ChildResult } from './competitors/in-child.ts'
import { startClient } from './client-process.ts'
import type { System } from './system.ts'

/** What people would write instead: a program over the openai SDK, configured with the limit. */
export function createCompetitor(name: string, file: URL, needs: 'redis' | 'nothing'): System {
  return {
    name,
    async prepare({ case: { name: caseName }, seconds, known, providerUrl }, { signal }) {
      await using stack = new AsyncDisposableStack()
      const redis = needs === 'redis' ? stack.use(await startOwnRedis()) : null
      const env = {
        OPENAI_BASE_URL: providerUrl,
        OPENAI_API_KEY: 'none',
        ...(redis === null ? {} : { REDIS_URL: redis.url }),
      }
      const client = stack.use(startClient(file, [JSON.stringify({ caseName, seconds, known })], env, { signal }))
      await client.next('ready')
      const owned = stack.move()
      return {
        async run(onProgress) {
          const before = redis === null ? 0 : cpuUs(redis.pid())
          client.onMessage('progress', (done) => onProgress(done as number))
          client.send('go')
          const result = (await client.next('done')) as ChildResult
          return { ...result, othersCpuUs: redis === null ? null : cpuUs(redis.pid()) - before }
        },
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      }
    },
  }
}
