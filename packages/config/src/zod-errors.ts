import type { z } from 'zod'

const maxLines = 20
const maxShown = 80

/**
 * One line an error, `/path: what is wrong; got <value>`, each once, at most 20: the form that models mend best.
 * Of a union that nothing matched, only the branch that came closest is told.
 */
export function errorLines(error: z.ZodError, data: unknown): string[] {
  const lines = error.issues.flatMap(closest).map((issue) => errorLine(issue, data))
  return [...new Set(lines)].slice(0, maxLines)
}

/** One line in that form. `issue` needs no more than what is wrong and where. */
export function errorLine(
  issue: { readonly path: readonly PropertyKey[]; readonly message: string },
  data: unknown,
): string {
  const pointer = `/${issue.path.map((key) => String(key).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
  const value = issue.path.reduce<unknown>(valueAt, data)
  const shown = value === undefined ? 'nothing' : JSON.stringify(value)
  const got = shown.length > maxShown ? `${shown.slice(0, maxShown)}...` : shown
  return issue.path.length === 0 ? `${pointer}: ${issue.message}` : `${pointer}: ${issue.message}; got ${got}`
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
