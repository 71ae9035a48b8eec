import { SluiceError } from '@sluice/contract/error'

export interface OpenRequests {
  /** Takes a place and returns how to give it back. Throws a refusal with 429 if there is none. */
  enter(caller: string): () => void
  readonly count: number
}

/** Counts what is open at once, for each caller and in all. `what`: its name in the refusal. */
export function createOpenRequests(
  what: { readonly name: string; readonly code: string; readonly fix: string },
  { perCaller, inAll }: { readonly perCaller: number; readonly inAll: number },
): OpenRequests {
  const open = new Map<string, number>()
  let count = 0

  return {
    get count() {
      return count
    },
    enter(caller) {
      const mine = open.get(caller) ?? 0
      if (mine >= perCaller) throw refusal(`This API key has ${perCaller} ${what.name} open, which is the most.`)
      if (count >= inAll) throw refusal(`There are ${inAll} ${what.name} open, which is the most of this process.`)
      open.set(caller, mine + 1)
      count += 1
      let left = false
      return () => {
        if (left) return
        left = true
        count -= 1
        const now = (open.get(caller) ?? 1) - 1
        if (now === 0) open.delete(caller)
        else open.set(caller, now)
      }
    },
  }

  function refusal(message: string): SluiceError {
    return new SluiceError('overloaded_error', what.code, `${message} ${what.fix}`, { retryAfterS: 5 })
  }
}
