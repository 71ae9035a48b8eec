/** Entries of one write, as groups are bounded. */
interface GroupLimits<Entry> {
  readonly most: number
  /** An entry that is larger goes alone. */
  readonly mostBytes: number
  readonly bytesOf: (entry: Entry) => number
}

/**
 * Writes that go together, as databases commit in groups: while a write of a key is under way, what arrives for the same key waits, and
 * goes with the next one. So with few entries none waits, and with many a write costs each of them a part only.
 */
export type GroupCommit<Entry, Outcome> = (key: string, entry: Entry) => Promise<Outcome>

export interface GroupCommitDependencies<Entry, Outcome> extends GroupLimits<Entry> {
  /** Resolves to one outcome for each entry, in their order. Running it again for the same entries must do no harm. */
  readonly write: (key: string, entries: readonly Entry[]) => Promise<readonly Outcome[]>
}

interface Waiting<Entry, Outcome> {
  readonly entry: Entry
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

export function createGroupCommit<Entry, Outcome>(
  dependencies: GroupCommitDependencies<Entry, Outcome>,
): GroupCommit<Entry, Outcome> {
  const { write } = dependencies
  type One = Waiting<Entry, Outcome>
  /** What waits, for each key that has something to write. */
  const lines = new Map<string, One[]>()

  return (key, entry) =>
    new Promise((resolve, reject) => {
      const one = { entry, resolve, reject }
      const line = lines.get(key)
      if (line !== undefined) {
        line.push(one)
        return
      }
      const begun = [one]
      lines.set(key, begun)
      void writeAll(key, begun)
    })

  async function writeAll(key: string, waiting: One[]): Promise<void> {
    // What the same turn of the event loop adds goes with the first.
    await Promise.resolve()
    while (waiting.length > 0) await writeGroup(key, waiting.splice(0, countOfNext(waiting)))
    lines.delete(key)
  }

  function countOfNext(waiting: readonly One[]): number {
    let bytes = 0
    const end = waiting.findIndex(({ entry }, i) => {
      bytes += dependencies.bytesOf(entry)
      return i > 0 && (i === dependencies.most || bytes > dependencies.mostBytes)
    })
    return end === -1 ? waiting.length : end
  }

  async function writeGroup(key: string, group: readonly One[]): Promise<void> {
    try {
      const outcomes = await write(
        key,
        group.map(({ entry }) => entry),
      )
      group.forEach(({ resolve }, i) => resolve(outcomes[i]!))
    } catch (error) {
      // Each alone: an entry that cannot be written must not fail the others.
      if (group.length > 1) await Promise.all(group.map((one) => writeGroup(key, [one])))
      else group[0]!.reject(error)
    }
  }
}
