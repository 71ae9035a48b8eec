/**
 * Tests with a real Redis that wait for most of a minute or more: `vitest.slow.config.ts` runs them as `long`, so that `pnpm test` takes
 * at most 6 minutes on 2 cores.
 */
export const longTests: string[] = [
  'packages/engine/test/failover.test.ts',
  'packages/engine/test/long-scripts.test.ts',
  'packages/engine/test/many-batches-cost.test.ts',
  'packages/engine/test/many-batches.test.ts',
  'packages/engine/test/quota/configured-limits.test.ts',
  'packages/engine/test/quota/never-stands-still.test.ts',
  'packages/engine/test/quota/providers.test.ts',
  'packages/engine/test/quota/strict-providers.test.ts',
  'packages/engine/test/refusals.test.ts',
  'test/cli/resuming.test.ts',
  'test/system/crashes.test.ts',
  'test/system/dead-workers.test.ts',
  'test/system/hostile.test.ts',
  'test/system/large-results.test.ts',
  'test/system/outages.test.ts',
]
