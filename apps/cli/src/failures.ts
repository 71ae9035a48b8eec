import type { ItemResult } from '@sluice/client'

/** Counts the failures among the results that were read. */
export interface Failures {
  see(result: ItemResult<unknown>): void
  readonly count: number
  /** `2 unavailable, 1 invalid_output`, the most frequent first. */
  readonly byType: () => string
  /** A result has replaced an earlier one: the item was retried meanwhile. */
  readonly haveChanged: boolean
  forget(): void
}

export function createFailures(): Failures {
  const typeOf = new Map<number, string>()
  let haveChanged = false
  return {
    see(result) {
      if (typeOf.delete(result.index)) haveChanged = true
      if (result.status !== 'succeeded') typeOf.set(result.index, result.error.type)
    },
    get count() {
      return typeOf.size
    },
    byType() {
      const counts = Map.groupBy(typeOf.values(), (type) => type)
      return [...counts]
        .toSorted(([, a], [, b]) => b.length - a.length)
        .map(([type, all]) => `${all.length} ${type}`)
        .join(', ')
    },
    get haveChanged() {
      return haveChanged
    },
    forget() {
      typeOf.clear()
      haveChanged = false
    },
  }
}
