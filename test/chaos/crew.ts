import { type Running, run } from '@sluice/local/processes/app-process'

export const workerConcurrency = 20
const movableClock = new URL('movable-clock.ts', import.meta.url).href

/** The processes of one run: they are killed and started again with the same settings. */
export interface Crew extends AsyncDisposable {
  readonly apiUrl: string
  readonly workers: readonly Running[]
  killApi(): Promise<void>
  /** Kills a worker and starts another one in its place. */
  killWorker(place: number): Promise<void>
  /**
   * Stops a worker by SIGTERM and starts another one in its place. Resolves to null when it ended in its time, and otherwise to how it
   * ended, with its last lines.
   */
  stopWorker(place: number): Promise<string | null>
  /** Moves the clock of a worker by `ms`; 0: back to the right time. */
  setClock(place: number, ms: number): void
}

export async function startCrew(env: Record<string, string>, workerCount: number): Promise<Crew> {
  const settings = { ...env, SLUICE_CONCURRENCY: String(workerConcurrency), SLUICE_LOG_LEVEL: 'info' }
  // A process that is started while Redis is down prints its one line and exits, as it should; a process manager starts it again.
  const persistently = async (start: () => Promise<Running & { ready: RegExpExecArray }>) => {
    for (let left = 20; ; left -= 1) {
      try {
        return await start()
      } catch (error) {
        if (left === 0) throw error
      }
    }
  }
  const startApi = (port: string) =>
    persistently(() => run('api', { ...settings, PORT: port }, /api ready on (http:\/\/127\.0\.0\.1:\d+)/))
  const workerSettings = { ...settings, NODE_OPTIONS: `--import ${movableClock}` }
  const startWorker = () => persistently(() => run('worker', workerSettings, /worker ready/))

  let api = await startApi('0')
  const apiUrl = api.ready[1]!
  const { port } = new URL(apiUrl)
  const workers: Running[] = await Promise.all(Array.from({ length: workerCount }, startWorker))

  return {
    apiUrl,
    workers,
    async killApi() {
      await api.stop('SIGKILL')
      api = await startApi(port)
    },
    async killWorker(place) {
      await workers[place]!.stop('SIGKILL')
      workers[place] = await startWorker()
    },
    async stopWorker(place) {
      const worker = workers[place]!
      const code = await worker.stop('SIGTERM')
      workers[place] = await startWorker()
      if (code === 0) return null
      const lines = worker.output().split('\n').slice(-20).join('\n')
      return `A worker ended with ${code} on SIGTERM. Its last lines:\n${lines}`
    },
    setClock(place, ms) {
      workers[place]!.child.send({ clockMs: ms })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([api, ...workers].map((one) => one.stop('SIGKILL')))
    },
  }
}
