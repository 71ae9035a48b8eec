import { isNode, own, resolveLocal, subschemas, type SchemaNode } from './subschemas.ts'

export interface Expansion {
  /** The most schemas that apply to one value; Infinity where a reference leads back to itself in place. */
  readonly inPlace: number
  /** Schemas in all, each counted as often as it is referred to; Infinity for a recursive schema. */
  readonly whole: number
}

/** How far references and combinations blow a schema up: 2 KB of `allOf` with doubled references can mean 2^40 checks of one value. */
export function measureExpansion(root: SchemaNode): Expansion {
  return { inPlace: measure(root, true), whole: measure(root, false) }
}

function measure(root: SchemaNode, onlyInPlace: boolean): number {
  const known = new Map<unknown, number>()
  const open = new Set<unknown>()
  let most = 0
  const sizeOf = (schema: unknown): number => {
    if (!isNode(schema)) return 1
    const before = known.get(schema)
    if (before !== undefined) return before
    if (open.has(schema)) return Number.POSITIVE_INFINITY
    open.add(schema)
    let size = 1
    const reference = own(schema, '$ref')
    if (typeof reference === 'string') size += sizeOf(resolveLocal(root, reference))
    for (const inner of subschemas(schema)) {
      if (onlyInPlace ? inner.isInPlace : !inner.isDefinition) size += sizeOf(inner.schema)
    }
    open.delete(schema)
    known.set(schema, size)
    most = Math.max(most, size)
    return size
  }
  if (!onlyInPlace) return sizeOf(root)
  const all: unknown[] = [root]
  for (let next = all.pop(); next !== undefined; next = all.pop()) {
    sizeOf(next)
    if (isNode(next)) for (const inner of subschemas(next)) all.push(inner.schema)
  }
  return most
}
