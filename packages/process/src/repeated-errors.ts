/** A message that is repeated within this time is counted, and the count is reported when the time ends. */
const everyMs = 10_000
/** Different messages that are counted at once; the others share one entry. */
const mostKinds = 200

export interface RepeatedErrors extends Disposable {
  report(error: Error): void
}

export interface RepeatedErrorsDependencies {
  /** `repeats` is 0 for the first message of its kind, and then the number of messages since the last line. */
  readonly write: (error: Error, repeats: number) => void
}

interface Kind {
  last: Error
  repeats: number
}

/**
 * Reports an error at once, and its repetitions as one line per 10 s with their number: a Redis that is unreachable for a minute causes
 * thousands of equal errors. Messages are equal if they differ only in numbers and ids.
 */
export function createRepeatedErrors({ write }: RepeatedErrorsDependencies): RepeatedErrors {
  const kinds = new Map<string, Kind>()
  let timer: NodeJS.Timeout | undefined

  const summarize = () => {
    for (const [name, kind] of kinds) {
      if (kind.repeats === 0) kinds.delete(name)
      else write(kind.last, kind.repeats)
      kind.repeats = 0
    }
    if (kinds.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    report(error) {
      const found = nameOf(error)
      const name = kinds.has(found) || kinds.size < mostKinds ? found : 'others'
      const kind = kinds.get(name)
      if (kind === undefined) {
        kinds.set(name, { last: error, repeats: 0 })
        timer ??= setInterval(summarize, everyMs)
        write(error, 0)
        return
      }
      kind.last = error
      kind.repeats += 1
    },
    [Symbol.dispose]() {
      summarize()
      clearInterval(timer)
      timer = undefined
      kinds.clear()
    },
  }
}

/** Without what differs from one repetition to the next: ids and numbers. */
function nameOf({ message }: Error): string {
  return message.slice(0, 1_000).replace(/[\w.:-]*\d[\w.:-]*/g, '#')
}
