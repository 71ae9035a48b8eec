import type { Extract } from '@sluice/contract/extract-function'
import type { LaneConfig } from '@sluice/contract/lane'
import pLimit from 'p-limit'
import { type IsolatedProcess, startIsolatedProcess } from './isolated-process.ts'

/** Processes for suspect items at once. When a worker dies, all that it held are suspects, most of them without cause. */
const mostProcesses = 2
const idleMs = 30_000
/** In addition to the lane's time-out of a call: time to check the answer. */
const checkMs = 30_000

export interface IsolatedExtract extends AsyncDisposable {
  /** The lane's `extract`, with calls for suspect items made in another process, one at a time in each. */
  wrap(laneName: string, lane: LaneConfig, extract: Extract): Extract
}

/** Separate processes for suspect items: an item whose answer ends its process ends at most two workers, and not one after the other. */
export function createIsolatedExtract(): IsolatedExtract {
  const whenFree = pLimit(mostProcesses)
  const all = new Set<IsolatedProcess>()
  const idle: IsolatedProcess[] = []
  let ending: NodeJS.Timeout | undefined

  async function withProcess<T>(work: (process: IsolatedProcess) => Promise<T>): Promise<T> {
    clearTimeout(ending)
    // One that ended while it was idle would fail an item that it never had.
    while (idle.at(-1)?.hasEnded) all.delete(idle.pop()!)
    const process = idle.pop() ?? startIsolatedProcess()
    all.add(process)
    try {
      return await work(process)
    } finally {
      if (process.hasEnded) all.delete(process)
      else idle.push(process)
      ending = setTimeout(() => void endIdle(), idleMs)
    }
  }

  async function endIdle(): Promise<void> {
    for (const process of idle.splice(0)) {
      all.delete(process)
      await process.end()
    }
  }

  return {
    wrap: (laneName, lane, extract) => (request, options) => {
      if (options.isIsolated !== true) return extract(request, options)
      const { signal } = options
      const limitMs = lane.timeoutMs + checkMs
      return whenFree(async () => {
        for (let left = mostProcesses; left >= 0; left -= 1) {
          signal.throwIfAborted()
          const call = await withProcess((process) => process.call({ lane: laneName, request }, { signal, limitMs }))
          if (call !== null) return call
        }
        throw new Error('No process for a suspect item took it.')
      })
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(ending)
      await Promise.all([...all].map((process) => process.end()))
    },
  }
}
