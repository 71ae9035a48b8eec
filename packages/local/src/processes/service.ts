import { setTimeout as sleep } from 'node:timers/promises'
import { StartError } from '../start-error.ts'
import { endsWithin, reasonIn, rotateLog, startChild, type Child, type Program } from './child.ts'

export interface ServiceOptions {
  /** Shown to the user. */
  readonly name: string
  readonly program: Program
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
  /** Resolves when the service is ready; rejects only with the signal's reason. */
  readonly untilReady: (signal: AbortSignal) => Promise<void>
  readonly readyWithinMs: number
  /** It is killed if it takes longer to stop. */
  readonly stopWithinMs: number
  /** Ends what stays running when the process is killed. */
  readonly cleanUp?: () => Promise<void>
}

/** A process that is restarted whenever it ends, until it is disposed of. */
export interface Service extends AsyncDisposable {
  /** Resolves with the reason if it ended too often; never otherwise. */
  readonly givenUp: Promise<string>
}

const restartsAMinute = 5
const firstBackoffMs = 500

/**
 * Starts a process and resolves when it is ready. If it ends later, it is started again after 0.5, 1, 2, ... s, and given up at the
 * sixth end within a minute; `say` receives a line for each. Rejects with a StartError if it ends, or is not ready, at the first start:
 * the reason comes from its log. `hurry` makes the stop immediate.
 */
export async function startService(
  options: ServiceOptions,
  say: (line: string) => void,
  { signal, hurry }: { signal: AbortSignal; hurry: AbortSignal },
): Promise<Service> {
  const stopping = new AbortController()
  await rotateLog(options.logFile)
  let child = await startChild(options.program, options.env, options.logFile)
  try {
    await untilReadyOrEnded(options, child, signal)
  } catch (error) {
    await stop(child, options, hurry)
    throw error
  }

  const watch = async (): Promise<string | undefined> => {
    const ends: number[] = []
    while (true) {
      await child.ended
      if (stopping.signal.aborted) return undefined
      ends.push(Date.now())
      const recent = ends.filter((at) => at > Date.now() - 60_000).length
      const reason = `${options.name} stopped unexpectedly (see ${options.logFile})`
      if (recent > restartsAMinute) return `${reason}, ${recent} times within a minute`
      const backoffMs = firstBackoffMs * 2 ** (recent - 1)
      say(`${reason}; starting it again in ${backoffMs / 1_000} s.`)
      await sleep(backoffMs, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return undefined
      await options.cleanUp?.()
      child = await startChild(options.program, options.env, options.logFile)
    }
  }
  const watched = watch()

  return {
    givenUp: watched.then((reason) => reason ?? new Promise<never>(() => {})),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await stop(child, options, hurry)
      await watched
      // A restart may have been in progress when the stop was requested.
      await stop(child, options, hurry)
    },
  }
}

async function untilReadyOrEnded(options: ServiceOptions, child: Child, signal: AbortSignal): Promise<void> {
  const done = new AbortController()
  const either = AbortSignal.any([signal, done.signal])
  const outcome = await Promise.race([
    options.untilReady(either).then(() => 'ready' as const),
    child.ended.then(() => 'ended' as const),
    sleep(options.readyWithinMs, 'late' as const, { signal: either }),
  ]).finally(() => done.abort())
  if (outcome === 'ready') return
  const reason = await reasonIn(options.logFile)
  const how =
    outcome === 'ended' ? 'stopped while it was starting' : `was not ready within ${options.readyWithinMs / 1_000} s`
  throw new StartError(`${options.name} ${how}${reason === '' ? '' : `: ${reason}`} (full log: ${options.logFile})`)
}

async function stop(child: Child, options: ServiceOptions, hurry: AbortSignal): Promise<void> {
  child.terminate()
  const hurried = new AbortController()
  const onHurry = (): void => {
    child.kill()
    hurried.abort()
  }
  if (hurry.aborted) onHurry()
  hurry.addEventListener('abort', onHurry)
  if (!(await endsWithin(child, options.stopWithinMs))) child.kill()
  await child.ended
  hurry.removeEventListener('abort', onHurry)
  await options.cleanUp?.()
}
