import { createCompetitor } from './competitor.ts'
import { createSluice } from './sluice.ts'
import type { System } from './system.ts'

const competitor = (name: string, file: URL, needs: 'redis' | 'nothing' = 'nothing') =>
  createCompetitor(name, file, needs)

export const systems: readonly System[] = [
  createSluice('Sluice, 1 worker', 1),
  createSluice('Sluice, 4 workers', 4),
  competitor('Bare loop', new URL('competitors/bare-loop.ts', import.meta.url)),
  competitor('p-queue', new URL('competitors/p-queue.ts', import.meta.url)),
  competitor('Bottleneck', new URL('competitors/bottleneck.ts', import.meta.url)),
  competitor('BullMQ limiter', new URL('competitors/bullmq.ts', import.meta.url), 'redis'),
]
