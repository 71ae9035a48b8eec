import { isNode } from './subschemas.ts'
import type { Rule } from './program.ts'

/**
 * The branches of an `anyOf` or `oneOf`, with an index of those that a value can match at all: by the value itself where branches list
 * theirs (`const`, `enum`), and by a tag (`kind: {const}`, required) for objects. Without it, 2,000 items times 4,000 branches are 8 million checks.
 */
export interface Union {
  readonly branches: readonly Rule[]
  /** Two lists of branches that `value` may match; all others do not match it. */
  candidates(value: unknown): readonly [readonly Rule[], readonly Rule[]]
}

type Primitive = string | number | boolean | null

export function createUnion(branches: readonly Rule[]): Union {
  const all = [branches, none] as const
  if (branches.length < 3) return { branches, candidates: () => all }
  const byValue = indexBy(branches, (branch) => primitivesOf(branch))
  const tag = bestTag(branches)
  const byTag = tag === null ? null : indexBy(branches, (branch) => tagsOf(branch).get(tag) ?? null)
  // An object matches no branch that lists only texts and numbers.
  const open = [branches.filter((branch) => primitivesOf(branch) === null), none] as const
  return {
    branches,
    candidates(value) {
      if (!isNode(value)) return Array.isArray(value) ? open : byValue(value)
      if (tag === null || byTag === null) return open
      return Object.hasOwn(value, tag) ? byTag(value[tag]) : byTag(undefined)
    },
  }
}

const none: readonly Rule[] = []

/** Branches by the values that they accept; those that accept any value are always in the answer. */
function indexBy(branches: readonly Rule[], valuesOf: (branch: Rule) => readonly Primitive[] | null) {
  const open = branches.filter((branch) => valuesOf(branch) === null)
  const index = new Map<unknown, Rule[]>()
  for (const branch of branches) {
    for (const value of new Set(valuesOf(branch) ?? [])) {
      const listed = index.get(value)
      if (listed === undefined) index.set(value, [branch])
      else listed.push(branch)
    }
  }
  return (value: unknown) => [open, index.get(value) ?? none] as const
}

/** What a rule accepts, where that is a list of texts, numbers, booleans and null. */
function primitivesOf(rule: Rule): readonly Primitive[] | null {
  const listed = target(rule).values[0]?.listed
  if (listed === undefined || listed.some((value) => typeof value === 'object' && value !== null)) return null
  return listed as Primitive[]
}

/** Properties that an object must have to match, and the values that each may have. */
function tagsOf(rule: Rule): ReadonlyMap<string, readonly Primitive[]> {
  const tags = new Map<string, readonly Primitive[]>()
  const { object } = target(rule)
  for (const name of object?.required ?? []) {
    const property = object?.properties.get(name)
    const values = property === undefined ? null : primitivesOf(property)
    if (values !== null) tags.set(name, values)
  }
  return tags
}

function bestTag(branches: readonly Rule[]): string | null {
  const counts = new Map<string, number>()
  for (const branch of branches) for (const name of tagsOf(branch).keys()) counts.set(name, (counts.get(name) ?? 0) + 1)
  const [best] = [...counts].toSorted(([, a], [, b]) => b - a)
  return best?.[0] ?? null
}

/** Follows references, of which there may be circles. */
function target(rule: Rule): Rule {
  let at = rule
  for (let step = 0; step < 20 && at.ref !== null; step += 1) at = at.ref
  return at.ref === null ? at : rule
}
