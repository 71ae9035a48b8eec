import { setImmediate } from 'node:timers/promises'

/** Lets other work of the process go on while a long answer is read and checked. */
export interface Pace {
  /** Whether other work has waited long enough; asked often, so it looks at the clock only now and then. */
  isDue(): boolean
  pause(): Promise<void>
  /** Pauses after a step over a whole text that is so long that several such steps together would take too long. */
  afterLong(text: string): Promise<void>
}

/** Other work waits no longer than this for the reading of an answer, and for one `JSON.parse`. */
const longestStretchMs = 20
const longText = 200_000

export function createPace(): Pace {
  let steps = 0
  let since = performance.now()
  const pause = async () => {
    await setImmediate()
    since = performance.now()
  }
  return {
    isDue: () => (steps += 1) % 64 === 0 && performance.now() - since > longestStretchMs,
    pause,
    async afterLong(text) {
      if (text.length > longText) await pause()
    },
  }
}
