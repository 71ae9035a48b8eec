import type { Unit } from './text-units.ts'

/** Units by their index, of which only those are held that a part may still begin with: a long text may have millions. */
export interface UnitWindow {
  /** Undefined behind the last one. */
  at(index: number): Unit | undefined
  /** Lets go of the units that end at or before this place of the text. */
  dropBefore(place: number): void
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
    dropBefore(place) {
      const kept = held.findIndex(({ end }) => end > place)
      const count = kept === -1 ? held.length : kept
      held.splice(0, count)
      dropped += count
    },
  }
}
