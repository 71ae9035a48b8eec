import type { Sluice } from '@sluice/client'
import { Person } from '../../examples/people.ts'
import type { Way } from './way.ts'

/** The same programs against Sluice. */
export function durable(sluice: Sluice): Readonly<Record<string, Way>> {
  return {
    loop: (texts) => sluice.sequential(texts, { schema: Person }),
    async *gather(texts) {
      yield* await sluice.gather(texts, { schema: Person })
    },
    asCompleted: (texts) => sluice.asCompleted(texts, { schema: Person }),
    async *gatherTwo(texts) {
      yield* await sluice.gather(texts, { schema: Person, concurrency: 2 })
    },
    asCompletedTwo: (texts) => sluice.asCompleted(texts, { schema: Person, concurrency: 2 }),
  }
}
