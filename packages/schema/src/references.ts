import type { Dialect } from './dialect.ts'
import { childrenOf } from './locations.ts'
import { isNode, own, pointerKeys, type SchemaNode } from './subschemas.ts'

/** The base of a schema without an absolute id; never fetched, and never shown. */
const defaultBase = 'https://schema.invalid/root'

export interface References {
  /** The schema that a `$ref` in `node` names inside this document; undefined where there is none. */
  resolve(node: SchemaNode, reference: string): unknown
  /** As `resolve`, for `$dynamicRef` and `$recursiveRef`: 'many' where the target depends on the way that leads there. */
  resolveDynamic(node: SchemaNode, keyword: '$dynamicRef' | '$recursiveRef', reference: string): unknown
  /** Schemas that start a separate resource, by its address. */
  readonly resources: ReadonlyMap<string, SchemaNode>
}

/** Reads ids and anchors of all subschemas. Nothing outside of the document is ever looked up. */
export function createReferences(root: SchemaNode, dialect: Dialect): References {
  const bases = new Map<SchemaNode, string>()
  const resources = new Map<string, SchemaNode>([[defaultBase, root]])
  const anchors = new Map<string, SchemaNode>()
  const dynamic = new Map<string, SchemaNode[]>()
  const recursive: SchemaNode[] = []

  const read = (node: SchemaNode, outer: string): string => {
    const { base, names } = identify(node, outer, dialect)
    bases.set(node, base)
    if (base !== outer && !resources.has(base)) resources.set(base, node)
    for (const name of names) if (!anchors.has(`${base}#${name}`)) anchors.set(`${base}#${name}`, node)
    const name = own(node, '$dynamicAnchor')
    if (dialect === '2020-12' && typeof name === 'string') dynamic.set(name, [...(dynamic.get(name) ?? []), node])
    if (dialect === '2019-09' && own(node, '$recursiveAnchor') === true) recursive.push(node)
    return base
  }

  const readAll = (first: SchemaNode, outer: string): void => {
    const open: { node: SchemaNode; outer: string }[] = [{ node: first, outer }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (bases.has(next.node)) continue
      const base = read(next.node, next.outer)
      for (const { schema } of childrenOf(next.node, dialect))
        if (isNode(schema)) open.push({ node: schema, outer: base })
    }
  }
  readAll(root, defaultBase)

  const resolve = (node: SchemaNode, reference: string): unknown => {
    const base = bases.get(node) ?? defaultBase
    const [address, fragment] = split(reference, base)
    const resource = address === null ? undefined : resources.get(address)
    if (resource === undefined) return undefined
    if (fragment !== '' && !fragment.startsWith('/')) return anchors.get(`${address}#${fragment}`)
    let at: unknown = resource
    let outer = address!
    for (const key of pointerKeys(fragment)) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
      if (isNode(at)) outer = bases.get(at) ?? outer
      at = (at as Record<string, unknown>)[key]
    }
    // A place that is not read as a schema otherwise: inside a keyword that is not known.
    if (isNode(at) && !bases.has(at)) readAll(at, outer)
    return at
  }

  return {
    resources,
    resolve,
    resolveDynamic(node, keyword, reference) {
      const target = resolve(node, reference)
      if (!isNode(target)) return target
      if (keyword === '$recursiveRef') {
        if (own(target, '$recursiveAnchor') !== true) return target
        if (recursive.includes(root)) return root
        return recursive.length > 1 ? 'many' : target
      }
      const name = own(target, '$dynamicAnchor')
      if (typeof name !== 'string' || !reference.endsWith(`#${name}`)) return target
      // Every way begins at the root, so an anchor in the root's own resource is the outermost one.
      const outermost = dynamic.get(name)?.find((one) => bases.get(one) === bases.get(root))
      if (outermost !== undefined) return outermost
      return (dynamic.get(name)?.length ?? 0) > 1 ? 'many' : target
    },
  }
}

function isOld(dialect: Dialect): boolean {
  return dialect !== '2019-09' && dialect !== '2020-12'
}

/** The base that a node sets, and the anchors that name it. */
function identify(node: SchemaNode, outer: string, dialect: Dialect): { base: string; names: string[] } {
  // Before 2019-09 nothing beside a reference counts.
  if (isOld(dialect) && typeof own(node, '$ref') === 'string') return { base: outer, names: [] }
  const names: string[] = []
  for (const keyword of isOld(dialect) ? [] : ['$anchor', '$dynamicAnchor']) {
    const name = own(node, keyword)
    if (typeof name === 'string') names.push(name)
  }
  const id = own(node, dialect === 'draft-04' || dialect === 'openapi-3.0' ? 'id' : '$id')
  if (typeof id !== 'string') return { base: outer, names }
  const [address, fragment] = split(id, outer)
  if (fragment !== '' && !fragment.startsWith('/')) names.push(fragment)
  return { base: id.startsWith('#') || address === null ? outer : address, names }
}

/** A reference as an address without fragment, and the fragment decoded; null: it has no address, as it is relative to one that takes no paths. */
function split(reference: string, base: string): [address: string | null, fragment: string] {
  const hash = reference.indexOf('#')
  const path = hash < 0 ? reference : reference.slice(0, hash)
  const fragment = hash < 0 ? '' : decode(reference.slice(hash + 1))
  if (path === '') return [base, fragment]
  const address = URL.parse(path, base)
  return [address === null ? null : address.href, fragment]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
