import { normalisedOrSame } from './normalised.ts'
import { escapePointer, isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

export interface Merged {
  readonly data: unknown
  /** By JSON pointer, of each element of a list and each other value: the part that it came from, counted from 0. */
  readonly sources: Readonly<Record<string, number>>
}

/** A value of one part's answer. */
interface Found {
  readonly value: unknown
  readonly part: number
}

/** References that lead to references; more is a circle. */
const mostReferences = 50

/**
 * One answer out of those to the parts of a text, which follow each other and overlap:
 * - objects field by field;
 * - lists one after the other, without the elements that an earlier part has given. Equal elements of one part are all kept: an invoice may have two equal lines;
 * - otherwise the first value that is not null and not an empty text.
 * A value that may be of several forms (`anyOf`, `oneOf`, a list with a form for each place) is one value: halves of two forms fit neither.
 * What comes out may break the schema, as by more elements than `maxItems`.
 */
export function mergeAnswers(schema: SchemaNode, answers: readonly unknown[]): Merged {
  const root = normalisedOrSame(schema)
  const sources: Record<string, number> = {}
  const found = answers.map((value, part) => ({ value, part }))
  return { data: merge(root, found, ''), sources }

  function merge(schema: unknown, all: readonly Found[], pointer: string): unknown {
    const given = all.filter(({ value }) => isGiven(value))
    const [first] = given
    if (first === undefined) return all[0]?.value
    const form = onlyForm(root, schema)
    if (form !== null && given.every(({ value }) => isNode(value))) return mergeObjects(form, given, pointer)
    if (form !== null && given.every(({ value }) => Array.isArray(value))) return mergeLists(given, pointer)
    sources[pointer] = first.part
    return first.value
  }

  function mergeObjects(form: SchemaNode, objects: readonly Found[], pointer: string): unknown {
    const fields = new Map<string, Found[]>()
    for (const { value, part } of objects) {
      for (const [name, field] of Object.entries(value as SchemaNode))
        fields.set(name, [...(fields.get(name) ?? []), { value: field, part }])
    }
    return Object.fromEntries(
      [...fields].map(([name, values]) => [
        name,
        merge(fieldSchema(form, name), values, `${pointer}/${escapePointer(name)}`),
      ]),
    )
  }

  function mergeLists(lists: readonly Found[], pointer: string): unknown[] {
    const joined: unknown[] = []
    const known = new Set<string>()
    for (const { value, part } of lists) {
      const fresh = (value as unknown[]).map((element) => ({ element, text: canonical(element) }))
      for (const { element, text } of fresh) {
        if (known.has(text)) continue
        sources[`${pointer}/${joined.length}`] = part
        joined.push(element)
      }
      for (const { text } of fresh) known.add(text)
    }
    return joined
  }
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined && value !== ''
}

/** The schema of the only form, apart from null, that a value may have, with references followed; null if it may have several. */
function onlyForm(root: SchemaNode, schema: unknown): SchemaNode | null {
  let node = schema
  for (let step = 0; step < mostReferences; step += 1) {
    if (!isNode(node)) return {}
    const reference = own(node, '$ref')
    if (typeof reference === 'string') {
      node = resolveLocal(root, reference)
      continue
    }
    const forms = own(node, 'anyOf') ?? own(node, 'oneOf')
    if (!Array.isArray(forms))
      return Array.isArray(own(node, 'prefixItems')) || Array.isArray(own(node, 'items')) ? null : node
    const others = forms.filter((form) => !(isNode(form) && own(form, 'type') === 'null'))
    if (others.length !== 1) return null
    node = others[0]
  }
  return null
}

function fieldSchema(form: SchemaNode, name: string): unknown {
  const properties = own(form, 'properties')
  return (isNode(properties) ? own(properties, name) : undefined) ?? own(form, 'additionalProperties')
}

/** The same text for equal values, whatever the order of their fields. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isNode(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}
