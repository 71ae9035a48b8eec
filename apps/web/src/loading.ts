import { effect, signal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { missed } from './live.ts'
import { messageOf } from './http.ts'

export interface Loaded<T> {
  readonly data: ReadonlySignal<T | undefined>
  readonly error: ReadonlySignal<string | null>
  readonly reload: () => void
  /** Replaces what was loaded, such as by a newer state from the stream. */
  readonly set: (data: T) => void
}

/**
 * Loads when the view opens, when `key` changes, and when events were missed. What was loaded stays visible meanwhile, and also when a
 * later load fails.
 */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const state = useMemo(() => ({ data: signal<T>(), error: signal<string | null>(null), asked: signal(0) }), [key])
  const show = async (signal: AbortSignal): Promise<void> => {
    try {
      const data = await load(signal)
      if (signal.aborted) return
      state.data.value = data
      state.error.value = null
    } catch (error) {
      if (!signal.aborted) state.error.value = messageOf(error)
    }
  }
  useEffect(() => {
    let stop = new AbortController()
    const end = effect(() => {
      void state.asked.value
      void missed.value
      stop.abort()
      const own = (stop = new AbortController())
      void show(own.signal)
    })
    return () => {
      end()
      stop.abort()
    }
  }, [key])
  return {
    data: state.data,
    error: state.error,
    reload: () => {
      state.asked.value += 1
    },
    set: (data) => {
      state.data.value = data
    },
  }
}
