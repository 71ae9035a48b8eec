import { Script } from 'node:vm'

const slot = Symbol.for('sluice.time-limited')
const script = new Script(`globalThis[Symbol.for('sluice.time-limited')]()`)

export class TooSlowError extends Error {}

/**
 * Runs `work` and gives up after `limitMs`, throwing a TooSlowError: the only way to end a synchronous computation in this thread.
 * Costs about 0.2 ms a call.
 */
export function runWithin<T>(limitMs: number, work: () => T): T {
  const globals = globalThis as Record<symbol, unknown>
  globals[slot] = work
  try {
    return script.runInThisContext({ timeout: limitMs }) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new TooSlowError(`took longer than ${limitMs} ms`, { cause: error })
    throw error
  } finally {
    delete globals[slot]
  }
}
