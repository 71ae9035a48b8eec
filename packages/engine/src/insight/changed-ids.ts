/** More wait for their turn only if many thousand batches change at once; those are found by the round over the active ones. */
const mostKept = 50_000

/** The ids of what changed since it was last read, in the order of their changes. */
export interface ChangedIds {
  add(id: string): void
  /** Takes out at most `most` ids: those of `first` before the others. */
  take(most: number, first?: ReadonlySet<string>): string[]
}

export function createChangedIds(): ChangedIds {
  const ids = new Set<string>()
  return {
    add(id) {
      if (ids.size < mostKept) ids.add(id)
    },
    take(most, first = new Set()) {
      const taken: string[] = []
      for (const id of [...[...first].filter((one) => ids.has(one)), ...ids]) {
        if (taken.length >= most) break
        if (ids.delete(id)) taken.push(id)
      }
      return taken
    },
  }
}
