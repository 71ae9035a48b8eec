import { escape } from './words.ts'
import { isObject } from './shape.ts'
import type { Given, MakeWriter, Place, Writer } from './writer.ts'

/** Of several schemas, the one for which the text has most values. */
export function createChoiceWriter(
  { nullable }: Given,
  branches: readonly unknown[],
  place: Place,
  make: MakeWriter,
): Writer {
  const options = branches.map((branch) => ({ writer: make(branch, place), named: discriminatorIn(branch) }))
  return {
    nullable: nullable || options.some(({ writer }) => writer.nullable),
    find(facts, effort) {
      let best: unknown
      let bestScore = 0
      for (const { writer, named } of options) {
        const value = writer.find(facts, effort)
        if (value === undefined) continue
        const score = countFound(value) + (named?.test(facts.text) === true ? 2 : 0)
        if (score > bestScore || best === undefined) {
          best = value
          bestScore = score
        }
      }
      return best
    },
    known: (facts) => Math.max(...options.map(({ writer }) => writer.known(facts))),
    least: () => options[0]!.writer.least(),
  }
}

/** The words of the constant that distinguishes the branches. */
function discriminatorIn(branch: unknown): RegExp | null {
  if (!isObject(branch) || !isObject(branch['properties'])) return null
  for (const property of Object.values(branch['properties'])) {
    if (!isObject(property)) continue
    const value =
      property['const'] ??
      (Array.isArray(property['enum']) && property['enum'].length === 1 ? property['enum'][0] : null)
    if (typeof value === 'string') return new RegExp(escape(value).replaceAll(/[_ -]+/g, '[ _-]?'), 'i')
  }
  return null
}

function countFound(value: unknown): number {
  if (value === null || value === false || value === '') return 0
  if (typeof value !== 'object') return 1
  return Object.values(value).reduce<number>((sum, inner) => sum + countFound(inner), 0)
}
