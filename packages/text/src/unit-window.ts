import type { Unit } from './text-units.ts'

/** Units by their index. Only those that a part may still begin with are held: a long text may have millions. */
export interface UnitWindow {
  /** Undefined after the last unit. */
  at(index: number): Unit | undefined
  /** Releases the units that end at or before this position of the text. */
  dropBefore(position: number): void
}

export function createUnitWindow(units: Generator<Unit, void>): UnitWindow {
  const held: Unit[] = []
  let dropped = 0

  return {
    at(index) {
      while (dropped + held.length <= index) {
        const { value } = units.next()
        if (value === undefined) return undefined
        held.push(value)
      }
      return held[index - dropped]
    },
    dropBefore(position) {
      const kept = held.findIndex(({ end }) => end > position)
      const count = kept === -1 ? held.length : kept
      held.splice(0, count)
      dropped += count
    },
  }
}
