import { keySteps } from './evaluate.ts'
import { fitsScalar, fitsTags, type Tag, tagsOf } from './null-drop-fit.ts'
import { normalisedOrSame } from './normalised.ts'
import { acceptsNull } from './null-verdict.ts'
import { isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

/** Values looked at by a schema: for each value of the answer, for a small answer, and in all. A visit takes 70 to 140 ns. */
const mostVisits = { each: 8, least: 50_000, all: 300_000 }

/**
 * Removes the nulls that a model writes for absent optional properties: where a property is optional in the author's schema and does not
 * accept null. Elements of arrays stay, because a null there has a meaning. Returns the same value where nothing changes. Every value is
 * looked at once by each schema that applies to it; with a schema for which that is too much, the answer stays as it is.
 */
export function dropAddedNulls(schema: SchemaNode, value: unknown): unknown {
  const root = normalisedOrSame(schema)
  const visits = { left: Math.min(mostVisits.least + mostVisits.each * countValues(value), mostVisits.all) }
  try {
    return new Dropper(root, visits).fit(root, value).value
  } catch (error) {
    if (error instanceof TooManyVisits) return value
    throw error
  }
}

class TooManyVisits extends Error {}

interface Fit {
  /** Without the added nulls. */
  readonly value: unknown
  /** Valid, judged by types, values, bounds, properties and items alone. Chooses between the forms of a union. */
  readonly ok: boolean
  /** Properties that the schema does not name, at any depth. */
  readonly unnamed: number
}

class Dropper {
  readonly #root: SchemaNode
  readonly #visits: { left: number }
  readonly #plans = new Map<SchemaNode, Plan>()

  constructor(root: SchemaNode, visits: { left: number }) {
    this.#root = root
    this.#visits = visits
  }

  fit(schema: unknown, value: unknown): Fit {
    if (!isNode(schema)) return { value, ok: schema !== false, unnamed: 0 }
    this.#visits.left -= 1
    if (this.#visits.left < 0) throw new TooManyVisits()
    const plan = this.#planOf(schema)
    if (typeof value !== 'object' || value === null) {
      const ok =
        value === null ? acceptsNull(this.#root, schema) : fitsScalar(schema, value) && this.#inPlace(plan, value).ok
      return { value, ok, unnamed: 0 }
    }
    const before = plan.known.get(value)
    if (before !== undefined) return before
    // A schema that leads back to itself in place adds nothing.
    plan.known.set(value, { value, ok: true, unnamed: 0 })
    const fit = this.#fitObject(plan, value)
    plan.known.set(value, fit)
    return fit
  }

  #planOf(schema: SchemaNode): Plan {
    let plan = this.#plans.get(schema)
    if (plan === undefined) {
      plan = createPlan(this.#root, schema)
      this.#plans.set(schema, plan)
    }
    return plan
  }

  #fitObject(plan: Plan, value: object): Fit {
    if (!fitsScalar(plan.schema, value) || !fitsTags(plan.tags, value)) return { value, ok: false, unnamed: 0 }
    for (const name of plan.required) if (!Object.hasOwn(value, name)) return { value, ok: false, unnamed: 0 }
    const inPlace = this.#inPlace(plan, value)
    const inside = Array.isArray(inPlace.value)
      ? this.#inItems(plan.lists, inPlace.value)
      : this.#inProperties(plan, inPlace.value as Record<string, unknown>)
    const unnamed = plan.isInPlace && plan.properties === null ? inPlace.unnamed : inside.unnamed
    return { value: inside.value, ok: inPlace.ok && inside.ok, unnamed }
  }

  /** By the schemas that apply to the same value: `$ref`, `allOf`, and the form of a union that fits. */
  #inPlace({ isInPlace, parts, unions }: Plan, value: unknown): Fit {
    let now: Fit = { value, ok: true, unnamed: 0 }
    if (!isInPlace) return now
    for (const part of parts) {
      const fit = this.fit(part, now.value)
      now = { value: fit.value, ok: now.ok && fit.ok, unnamed: fit.unnamed }
    }
    for (const forms of unions) {
      const fit = this.#best(forms, now.value)
      now = { value: fit.value, ok: now.ok && fit.ok, unnamed: fit.unnamed }
    }
    return now
  }

  /** Of several forms that fit, the one that names most of the properties: in strict mode an answer has exactly those of its form. */
  #best(forms: readonly unknown[], value: unknown): Fit {
    let best: Fit | null = null
    for (const form of forms) {
      const fit = this.fit(form, value)
      if (fit.ok && (best === null || fit.unnamed < best.unnamed)) best = fit
    }
    return best ?? { value, ok: false, unnamed: 0 }
  }

  #inItems({ places, others }: Plan['lists'], items: readonly unknown[]): Fit {
    let ok = true
    let unnamed = 0
    let changed: unknown[] | undefined
    for (const [i, item] of items.entries()) {
      const its = i < places.length ? places[i] : others
      if (its === undefined) continue
      const fit = this.fit(its, item)
      ok &&= fit.ok
      unnamed += fit.unnamed
      if (fit.value !== item) (changed ??= [...items])[i] = fit.value
    }
    return { value: changed ?? items, ok, unnamed }
  }

  #inProperties({ properties, required, others }: Plan, object: Record<string, unknown>): Fit {
    let ok = true
    let unnamed = 0
    let changed: Record<string, unknown> | undefined
    const names = Object.keys(object)
    this.#visits.left -= keySteps(names.length) / 4
    for (const name of names) {
      const value = object[name]
      const isNamed = properties !== null && Object.hasOwn(properties, name)
      if (!isNamed) unnamed += 1
      const its = isNamed ? properties[name] : others
      if (its === undefined) continue
      if (isNamed && value === null && !required.has(name) && !acceptsNull(this.#root, its)) {
        delete (changed ??= { ...object })[name]
        continue
      }
      const fit = this.fit(its, value)
      ok &&= fit.ok
      unnamed += fit.unnamed
      if (fit.value !== value) (changed ??= { ...object })[name] = fit.value
    }
    const now = changed ?? object
    for (const name of required) ok &&= Object.hasOwn(now, name)
    return { value: now, ok, unnamed }
  }
}

/** What the dropping has to know of a schema, and the values that were looked at by it. */
interface Plan {
  readonly schema: SchemaNode
  readonly known: Map<object, Fit>
  readonly isInPlace: boolean
  /** The target of `$ref`, and the members of `allOf`. */
  readonly parts: readonly unknown[]
  readonly unions: readonly (readonly unknown[])[]
  readonly properties: SchemaNode | null
  readonly tags: readonly Tag[]
  readonly required: ReadonlySet<string>
  /** Of properties that have no name in the schema. */
  readonly others: unknown
  readonly lists: { readonly places: readonly unknown[]; readonly others: unknown }
}

function createPlan(root: SchemaNode, schema: SchemaNode): Plan {
  const reference = own(schema, '$ref')
  const lists = (keyword: string) => {
    const list = own(schema, keyword)
    return Array.isArray(list) ? (list as readonly unknown[]) : null
  }
  const parts = [...(typeof reference === 'string' ? [resolveLocal(root, reference)] : []), ...(lists('allOf') ?? [])]
  const unions = [lists('anyOf'), lists('oneOf')].filter((forms) => forms !== null)
  const properties = own(schema, 'properties')
  const items = lists('items')
  return {
    schema,
    known: new Map(),
    isInPlace: parts.length + unions.length > 0,
    parts,
    unions,
    properties: isNode(properties) ? properties : null,
    tags: tagsOf(schema),
    required: new Set((lists('required') ?? []).map(String)),
    others: Object.hasOwn(schema, 'patternProperties') ? undefined : own(schema, 'additionalProperties'),
    lists: {
      places: lists('prefixItems') ?? items ?? [],
      others: own(schema, items === null ? 'items' : 'additionalItems'),
    },
  }
}

/** Counts no further than it matters. */
function countValues(value: unknown): number {
  let count = 1
  const open: unknown[] = [value]
  while (open.length > 0 && count < mostVisits.all) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    const values: readonly unknown[] = Array.isArray(next) ? next : Object.values(next)
    count += values.length
    if (count >= mostVisits.all) break
    for (const inner of values) if (typeof inner === 'object' && inner !== null) open.push(inner)
  }
  return count
}
