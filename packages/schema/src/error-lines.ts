import type { ErrorObject } from 'ajv'
import { isNode, own, resolveLocal, subschemas, type SchemaNode } from './subschemas.ts'

const mostLines = 20
const longestShown = 80

/**
 * One line an error, path first, with what is allowed and what came: the form that models mend best (with bare enum errors they mended 0 of 30,
 * with the allowed values 30 of 30). Of a union that nothing matched, only the branch that came closest is told. Each line once, at most 20.
 */
export function errorLines(errors: readonly ErrorObject[], root: SchemaNode, data: unknown): string[] {
  return [...new Set(closest(errors, root).map((error) => line(error, data)))].slice(0, mostLines)
}

/** Ajv tells the errors of every branch before that of the union itself. */
function closest(errors: readonly ErrorObject[], root: SchemaNode): ErrorObject[] {
  const kept: ErrorObject[] = []
  for (const error of errors) {
    if ((error.keyword !== 'anyOf' && error.keyword !== 'oneOf') || !Array.isArray(error.schema)) {
      // `if` repeats what its branch told.
      if (error.keyword !== 'if') kept.push(error)
      continue
    }
    const groups = error.schema.map((branch) => {
      const nodes = nodesOf(branch, root)
      return kept.filter(
        (inner) => nodes.has(inner.parentSchema) && isAtOrBelow(inner.instancePath, error.instancePath),
      )
    })
    const branches = new Set(groups.flat())
    const [best] = groups
      .filter((group) => group.length > 0)
      .toSorted((a, b) => distance(a, error) - distance(b, error))
    const others = kept.filter((inner) => !branches.has(inner))
    kept.splice(0, kept.length, ...others, ...(best ?? [error]))
  }
  return kept
}

/** A branch of another type is furthest, one whose tag (`kind: const`) differs further than one with faults in its content. */
function distance(group: readonly ErrorObject[], union: ErrorObject): number {
  return group.reduce((sum, error) => {
    if (error.instancePath === union.instancePath && error.keyword === 'type') return sum + 10_000
    if (error.keyword === 'const') return sum + 100
    return sum + 1
  }, 0)
}

function isAtOrBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}/`)
}

/** Every schema that a branch consists of, references followed. */
function nodesOf(branch: unknown, root: SchemaNode): Set<unknown> {
  const nodes = new Set<unknown>()
  const open = [branch]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!isNode(next) || nodes.has(next)) continue
    nodes.add(next)
    const reference = own(next, '$ref')
    if (typeof reference === 'string') open.push(resolveLocal(root, reference))
    for (const inner of subschemas(next)) open.push(inner.schema)
  }
  return nodes
}

function line(error: ErrorObject, data: unknown): string {
  const path = error.instancePath === '' ? '/' : error.instancePath
  const what = message(error)
  if (
    error.keyword === 'required' ||
    error.keyword === 'additionalProperties' ||
    error.keyword === 'unevaluatedProperties'
  )
    return `${path}: ${what}`
  return path === '/' && isNode(data) && error.keyword !== 'type'
    ? `${path}: ${what}`
    : `${path}: ${what}; got ${shown(error.data)}`
}

function message({ keyword, params, message: said, schema }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return `must have the property ${JSON.stringify(params['missingProperty'])}`
    case 'additionalProperties':
      return `must not have the property ${JSON.stringify(params['additionalProperty'])}`
    case 'unevaluatedProperties':
      return `must not have the property ${JSON.stringify(params['unevaluatedProperty'])}`
    case 'enum':
      return `must be one of ${shown(schema, 400)}`
    case 'const':
      return `must be ${shown(schema)}`
    case 'type':
      return `must be ${Array.isArray(schema) ? schema.join(' or ') : String(schema)}`
    case 'anyOf':
    case 'oneOf':
      return keyword === 'oneOf' && params['passingSchemas'] !== null
        ? 'must match exactly one of the allowed forms'
        : 'must match one of the allowed forms'
    case 'false schema':
      return 'must not be there'
    default:
      return said ?? 'is not valid'
  }
}

function shown(value: unknown, longest = longestShown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
