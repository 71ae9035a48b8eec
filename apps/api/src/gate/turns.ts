import { setImmediate } from 'node:timers/promises'

/** Work goes on for so long before other requests get their turn. */
const turnMs = 8

/** Call it between small steps of long work: it waits for the other requests where its turn is over. */
export function createTurns(): () => Promise<void> | undefined {
  let began = performance.now()
  return () => (performance.now() - began < turnMs ? undefined : others())

  async function others(): Promise<void> {
    await setImmediate()
    began = performance.now()
  }
}
