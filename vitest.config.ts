import { defineConfig } from 'vitest/config'

// unit: pure logic, beside its file, no Redis; and the documents. engine: on a real Redis. system: whole processes.
// What needs more than this machine's Node and a Redis is in vitest.slow.config.ts.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['{apps,packages}/*/src/**/*.test.ts', 'test/docs.test.ts'] } },
      {
        test: {
          name: 'engine',
          include: ['packages/engine/test/**/*.test.ts'],
          globalSetup: 'test/support/redis.setup.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/{system,cli}/*.test.ts'],
          globalSetup: 'test/support/redis.setup.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
