import type { LaneConfig } from '@sluice/contract/lane'
import { repeat } from '../repeat.ts'
import { type LaneProvider, openLane, type OpenLane, type OpenLaneDependencies } from './open-lane.ts'

const announceMs = 2_000
/** Every worker aborts a cancelled batch's calls within this time, without a message that could be lost. */
const cancelLookMs = 400

export interface OpenLanesDependencies extends Omit<OpenLaneDependencies, 'name' | 'config' | 'provider'> {
  readonly configs: Readonly<Record<string, LaneConfig>>
  readonly provider: (lane: string) => LaneProvider
}

/** All lanes of a worker process. Disposing stops their items without grace. */
export interface OpenLanes extends AsyncDisposable {
  readonly byName: ReadonlyMap<string, OpenLane>
  /** Throws for a lane that this worker does not have. */
  get(name: string): OpenLane
  /** Takes no more items, and no more places in the windows. */
  retire(): Promise<void>
  /** Lets running items end for `graceMs`, then hands the rest back. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

/** Opens the lanes, and announces this worker to the others before any batch is fed for it. */
export async function openLanes({ configs, provider, ...dependencies }: OpenLanesDependencies): Promise<OpenLanes> {
  const { liveWorker, onError } = dependencies
  await using opening = new AsyncDisposableStack()
  const open = (name: string, config: LaneConfig) =>
    opening.use(openLane({ ...dependencies, name, config, provider: provider(name) }))
  const byName = new Map(Object.entries(configs).map(([name, config]) => [name, open(name, config)]))
  const each = async (act: (lane: OpenLane) => Promise<void>): Promise<void> =>
    void (await Promise.all([...byName.values()].map(act)))
  const announce = () => each((lane) => lane.window.announce(liveWorker))
  await announce()
  const announcing = repeat(announce, { everyMs: announceMs, first: 'after-interval', onError })
  const abortCancelled = () => each((lane) => lane.abortCancelled())
  const looking = repeat(abortCancelled, { everyMs: cancelLookMs, first: 'after-interval', onError })
  const opened = opening.move()

  return {
    byName,
    get(name) {
      const lane = byName.get(name)
      if (lane !== undefined) return lane
      throw new Error(`This worker has no lane '${name}': its configuration differs from the API's.`)
    },
    async retire() {
      await announcing.stop()
      await each((lane) => lane.window.retire(liveWorker).catch(onError))
    },
    close: (graceMs) => each((lane) => lane.worker.close(graceMs)),
    async [Symbol.asyncDispose]() {
      await announcing.stop()
      await looking.stop()
      await opened.disposeAsync()
    },
  }
}
