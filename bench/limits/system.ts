import type { Case } from './cases.ts'

/** Most calls in flight of a system, over all of its processes: four times what the limit needs at the latency of a call. */
export const atOnce = 200

/** The provider's limit in calls, as a user would configure it; a token limit is divided by the mean cost of a call. */
export interface Told {
  readonly perSecond: number
  readonly burst: number
}

export interface Job {
  readonly case: Case
  readonly seconds: number
  readonly texts: readonly string[]
  readonly told: Told
  /** Cost of each text's call, in the case's unit. */
  readonly costs: readonly number[]
  /** Including `/v1`. */
  readonly providerUrl: string
}

interface Ran {
  /** From the first item submitted to the last answer. */
  readonly seconds: number
  /** Indexes of the items with a valid answer. */
  readonly answered: readonly number[]
  /** CPU of the processes that make the calls. */
  readonly cpuUs: number
  /** CPU of the other processes that the system needs, such as Redis; null: none. */
  readonly othersCpuUs: number | null
}

/** A system that sends a list of texts to a provider with a limit. */
export interface System {
  readonly name: string
  /** Starts its processes, which then wait. When it is disposed, all of them have exited. */
  prepare(job: Job, options: { signal: AbortSignal }): Promise<Prepared>
}

export interface Prepared extends AsyncDisposable {
  /** Call it once. Rejects if a process exits too early, or on abort. */
  run(onProgress: (done: number) => void): Promise<Ran>
}
