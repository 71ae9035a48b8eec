import type { Case } from './cases.ts'

/** Calls in flight that a system may have, over all of its processes. Four times what the limit needs at the latency of a call. */
export const atOnce = 200

/** The provider's limit in calls, as one would write it into a configuration; of tokens: by the mean cost of a call. */
export interface KnownLimit {
  readonly perSecond: number
  readonly burst: number
}

export interface Job {
  readonly case: Case
  readonly seconds: number
  readonly texts: readonly string[]
  readonly known: KnownLimit
  /** Of each text's call, in the case's unit. */
  readonly costs: readonly number[]
  /** With `/v1`. */
  readonly providerUrl: string
}

interface Ran {
  /** From the first item handed over to the last answer. */
  readonly seconds: number
  /** Indexes of the items with a valid answer. */
  readonly answered: readonly number[]
  /** Of the processes that make the calls. */
  readonly cpuUs: number
  /** Of what they need in addition, such as Redis; null: nothing. */
  readonly othersCpuUs: number | null
}

/** One way to get a list of texts through a provider's limit. */
export interface System {
  readonly name: string
  /** Starts its processes, which wait. Disposed of, all of them have ended. */
  prepare(job: Job, options: { signal: AbortSignal }): Promise<Prepared>
}

export interface Prepared extends AsyncDisposable {
  /** Once. Rejects when a process ends before its time, or on abort. */
  run(onProgress: (done: number) => void): Promise<Ran>
}
