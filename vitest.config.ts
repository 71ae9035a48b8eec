import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { longTests } from './test/long-tests.ts'

// unit: pure logic, beside its file, no Redis; and the documents. engine: with a real Redis. system: whole processes.
// What needs Docker or a browser, or takes minutes, is in vitest.slow.config.ts.
//
// Each file has separate key prefixes, ports and folders, so that files run side by side. They wait most of the time: four at once on
// 2 cores need a quarter of the time. Time limits are for tests that hang; on a machine with other load everything takes longer.

// The system tests start some 300 processes. With V8's cache of compiled modules each takes 0.3 s of CPU less.
process.env['NODE_COMPILE_CACHE'] ??= resolve(import.meta.dirname, 'node_modules/.cache/compile')

const shared = { maxWorkers: Math.max(4, availableParallelism()), expect: { poll: { timeout: 30_000 } } }
const exclude = [...configDefaults.exclude, ...longTests]
const withRedis = { ...shared, globalSetup: 'test/support/redis.setup.ts' }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: [
            '{apps,packages}/*/{src,serve}/**/*.test.ts',
            'test/docs.test.ts',
            'test/chaos/accounts.test.ts',
            'test/chaos/replace-writes.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...withRedis,
          name: 'engine',
          include: ['packages/engine/test/**/*.test.ts'],
          exclude,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...withRedis,
          globalSetup: ['test/support/redis.setup.ts', 'test/support/compile-cache.setup.ts'],
          name: 'system',
          include: ['test/{system,cli,openai}/*.test.ts'],
          exclude,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
})
