/** Deeper values, and those beyond so many columns, are one column each, as JSON. */
const mostDepth = 6
const mostColumns = 500
/** Subschemas that are looked at: a schema may refer to the same one many times. */
const mostVisited = 10_000

type Path = readonly string[]

export interface Columns {
  /** The values of an object by the schema, each with the names that lead to it; one empty path: the value is no object. */
  readonly paths: readonly Path[]
  /** The object may have properties that the schema does not name. */
  readonly isOpen: boolean
}

/** What a table of values has as columns. Lists, and objects whose properties are not known, are one column. */
export function columnsOf(root: unknown): Columns {
  const paths: Path[] = []
  let isOpen = false
  let visited = 0

  const visit = (schema: unknown, path: Path): void => {
    const { properties, open } = path.length > mostDepth ? nothing : propertiesOf(schema, 0)
    if (properties.size === 0 || paths.length + properties.size > mostColumns) {
      if (paths.length < mostColumns) paths.push(path)
      return
    }
    if (open) isOpen = true
    for (const [name, inner] of properties) visit(inner, [...path, name])
  }

  /** Of all branches together: a value that may be null, or of several forms, has the columns of each. */
  const propertiesOf = (given: unknown, depth: number): { properties: Map<string, unknown>; open: boolean } => {
    visited += 1
    if (!isNode(given) || depth > 20 || visited > mostVisited) return nothing
    const parts = [resolve(given['$ref']), given['allOf'], given['anyOf'], given['oneOf']].flat()
    const found = parts.filter((one) => one !== undefined).map((part) => propertiesOf(part, depth + 1))
    const own = isNode(given['properties']) ? Object.entries(given['properties']) : []
    const properties = new Map([...own, ...found.flatMap((one) => [...one.properties])])
    // An element of a list has no column of its own.
    if (mayBeList(given)) return nothing
    const isClosed = given['additionalProperties'] === false || given['unevaluatedProperties'] === false
    const open = found.some((one) => one.open) || (own.length > 0 && !isClosed)
    return { properties, open }
  }

  const resolve = (reference: unknown): unknown => {
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return reference === '#' ? root : undefined
    let at: unknown = root
    for (const part of reference.slice(2).split('/')) {
      const key = decode(part).replaceAll('~1', '/').replaceAll('~0', '~')
      if (!isNode(at) || !Object.hasOwn(at, key)) return undefined
      at = at[key]
    }
    return at
  }

  visit(root, [])
  return { paths, isOpen }
}

const nothing = { properties: new Map<string, unknown>(), open: false }

function mayBeList({ type }: Readonly<Record<string, unknown>>): boolean {
  return [type].flat().includes('array')
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
