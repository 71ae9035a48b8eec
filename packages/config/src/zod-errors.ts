import type { z } from 'zod'

const maxLines = 20
const maxShown = 80

/**
 * One line for each error, `/path: what is wrong; got <value>`, each once, at most 20: the form that models correct best.
 * Of a union that nothing matched, only the errors of the closest branch.
 */
export function errorLines(error: z.ZodError, data: unknown): string[] {
  const lines = new Set<string>()
  for (const issue of error.issues) {
    if (lines.size >= maxLines) break
    for (const one of closest(issue)) lines.add(errorLine(one, data))
  }
  return [...lines].slice(0, maxLines)
}

function errorLine(issue: { readonly path: readonly PropertyKey[]; readonly message: string }, data: unknown): string {
  const value = issue.path.reduce<unknown>(valueAt, data)
  const shown = value === undefined ? 'nothing' : JSON.stringify(value)
  const got = shown.length > maxShown ? `${shown.slice(0, maxShown)}...` : shown
  const pointer = pointerOf(issue.path)
  return issue.path.length === 0 ? `${pointer}: ${issue.message}` : `${pointer}: ${issue.message}; got ${got}`
}

export function pointerOf(path: readonly PropertyKey[]): string {
  return `/${path.map((key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
}

function valueAt(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined
}

function closest(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const branches = issue.errors.map((branch) => branch.flatMap(closest))
  const best = branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0]
  if (best === undefined) return [issue]
  return best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length))
}
