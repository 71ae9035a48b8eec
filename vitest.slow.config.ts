import { defineConfig } from 'vitest/config'
import { longTests } from './test/long-tests.ts'

// Suites that need Docker or a browser, or take minutes. Not part of `pnpm test`; .ci/run runs each:
// vitest run --config vitest.slow.config.ts --project compose
// A test that hangs ends before the time of its suite in .ci/run, so that the report names it.
const slow = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  fileParallelism: false,
  expect: { poll: { timeout: 30_000 } },
} as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...slow,
          // They wait most of the time.
          fileParallelism: true,
          maxWorkers: 4,
          name: 'long',
          include: longTests,
          globalSetup: ['test/support/redis.setup.ts', 'test/support/compile-cache.setup.ts'],
        },
      },
      { test: { ...slow, name: 'compose', include: ['test/compose/*.test.ts'] } },
      {
        test: {
          ...slow,
          name: 'browser',
          include: ['test/browser/*.test.ts'],
          globalSetup: 'test/support/redis.setup.ts',
        },
      },
      {
        test: {
          ...slow,
          testTimeout: 120_000,
          name: 'abuse',
          include: ['test/abuse/*.test.ts'],
          globalSetup: 'test/support/redis.setup.ts',
        },
      },
      { test: { ...slow, testTimeout: 120_000, name: 'cluster', include: ['test/cluster/*.test.ts'] } },
      {
        test: {
          ...slow,
          name: 'openai',
          include: ['test/openai/slow/*.test.ts'],
          globalSetup: 'test/support/redis.setup.ts',
        },
      },
      { test: { ...slow, name: 'chaos', include: ['test/chaos/chaos.test.ts'] } },
    ],
  },
})
