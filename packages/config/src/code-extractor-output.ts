/** Deeper than any answer may be, so the value contains itself. */
const deepest = 1_000

/** The first value that JSON cannot represent, and the path to it; null if JSON can represent all of them. */
export function notJsonAt(data: unknown): { readonly path: readonly PropertyKey[]; readonly what: string } | null {
  const open: { value: unknown; path: readonly PropertyKey[] }[] = [{ value: data, path: [] }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next
    const what = path.length > deepest ? 'a value that contains itself' : notJson(value, path.length === 0)
    if (what !== null) return { path: path.slice(0, 20), what }
    if (typeof value !== 'object' || value === null || hasToJson(value)) continue
    for (const [key, inner] of Object.entries(value).toReversed()) {
      if (typeof inner !== 'string' && typeof inner !== 'boolean') open.push({ value: inner, path: [...path, key] })
    }
  }
  return null
}

function notJson(value: unknown, isRoot: boolean): string | null {
  switch (typeof value) {
    case 'bigint':
    case 'function':
    case 'symbol':
      return `a ${typeof value}`
    case 'number':
      return Number.isFinite(value) ? null : String(value)
    case 'undefined':
      // A property that is undefined is left out.
      return isRoot ? 'undefined' : null
    case 'object':
      return value === null || hasToJson(value) ? null : lostObject(value)
    case 'string':
    case 'boolean':
      return null
    default:
      throw new TypeError(`There is no type ${typeof value}.`)
  }
}

/** The name of an object whose content is not in its properties: it would be stored as `{}`. */
function lostObject(value: object): string | null {
  const kinds = [Map, Set, WeakMap, WeakSet, Promise, RegExp, Error, ArrayBuffer, Blob]
  const kind = kinds.find((one) => value instanceof one)
  if (kind !== undefined) return `a ${value.constructor.name}`
  return ArrayBuffer.isView(value) ? `a ${value.constructor.name}` : null
}

function hasToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function'
}
