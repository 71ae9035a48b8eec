/** After the grace: time for writes that Redis refused until then. The process ends 5 s after the grace. */
const lastWritesMs = 3_000

export interface WorkerEngine {
  /** Takes no more work, lets calls in flight end for `graceMs`, hands back the rest, closes every connection. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

export interface WorkerEnd {
  /** `stopping`: nothing new begins. `ending`: what still waits for Redis waits no longer. */
  readonly signals: { readonly stopping: AbortSignal; readonly ending: AbortSignal }
  stop(): void
  giveUp(): void
}

export function createWorkerEnd(): WorkerEnd {
  const stopping = new AbortController()
  const ending = new AbortController()
  return {
    signals: { stopping: stopping.signal, ending: ending.signal },
    stop: () => stopping.abort(new Error('The process stops.')),
    giveUp: () => ending.abort(new Error('The process ends.')),
  }
}

export interface ClosingDependencies {
  readonly end: WorkerEnd
  /** Lets running items end for `graceMs`, then hands the rest back. A second call may shorten the grace. */
  readonly closeLanes: (graceMs: number) => Promise<void>
  /** By their names. One step after the other, each part of a step at once, while the lanes close. */
  readonly steps: readonly Readonly<Record<string, () => Promise<unknown>>>[]
  /** Ends the connections at once. */
  readonly disconnect: () => void
  /** Closes what is left, connections last. */
  readonly dispose: () => Promise<void>
  readonly onError: (error: Error) => void
}

/** Closes a worker within `graceMs` and a few seconds, whatever state Redis is in. A second call may shorten the grace. */
export function createClosing(dependencies: ClosingDependencies): WorkerEngine {
  const { end, closeLanes, steps, disconnect, dispose, onError } = dependencies
  let closing: Promise<void> | undefined
  /** Parts that are closing. */
  const open = new Set<string>()

  return {
    async close(graceMs) {
      end.stop()
      const timer = setTimeout(giveUp, graceMs + lastWritesMs)
      if (closing === undefined) closing = closeAll(graceMs)
      else await closeLanes(graceMs)
      await closing.finally(() => clearTimeout(timer))
    },
  }

  async function closeAll(graceMs: number): Promise<void> {
    try {
      await Promise.all([closePart('lanes', () => closeLanes(graceMs)), closeSteps()])
    } catch (error) {
      // Whatever still ran when the connections were closed fails for that.
      if (!end.signals.ending.aborted) throw error
    }
    await dispose()
  }

  async function closeSteps(): Promise<void> {
    for (const step of steps) await Promise.all(Object.entries(step).map(([name, part]) => closePart(name, part)))
  }

  async function closePart(name: string, part: () => Promise<unknown>): Promise<void> {
    open.add(name)
    await part()
    open.delete(name)
  }

  /** Other workers take over what this one holds, as after a kill. */
  function giveUp(): void {
    end.giveUp()
    onError(
      new Error(`These parts did not close in time: ${[...open].join(', ')}. Other workers take over what they hold.`),
    )
    disconnect()
  }
}
