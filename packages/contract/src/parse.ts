import type { z } from 'zod'
import { formatPath, invalidRequest, SluiceError } from './error.ts'

/**
 * Parses external input, or throws a SluiceError that names the field and the fix.
 * `prefix`: the path of the value, if it is part of a larger request.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, prefix: readonly PropertyKey[] = []): T {
  const parsed = schema.safeParse(value, { reportInput: false })
  if (parsed.success) return parsed.data
  throw fromZodError(parsed.error, prefix)
}

function fromZodError(error: z.ZodError, prefix: readonly PropertyKey[]): SluiceError {
  const issue = mostSpecific(error.issues)
  if (issue === undefined) return invalidRequest('invalid_request', 'The request is not valid.')
  const unknownKey = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const path = formatPath([...prefix, ...issue.path, ...(unknownKey === undefined ? [] : [unknownKey])])
  const message =
    unknownKey === undefined
      ? issue.message
      : `Unknown field '${unknownKey}'. Remove it, or see /docs for the fields there are.`
  const code = path.startsWith('items') ? 'invalid_item' : 'invalid_request'
  const where = path === '' ? '' : `${path}: `
  return invalidRequest(code, `${where}${message}`, path === '' ? undefined : path)
}

/** Picks the issue that the author most likely meant: that of the branch which matched deepest, and among equals one that is not about the type. */
export function mostSpecific(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const first = issues[0]
  if (first?.code !== 'invalid_union') return first
  const inner = first.errors
    .map((branch) => mostSpecific(branch))
    .filter((issue) => issue !== undefined)
    .toSorted((a, b) => b.path.length - a.path.length || rank(b) - rank(a))[0]
  return inner === undefined ? first : { ...inner, path: [...first.path, ...inner.path] }
}

function rank(issue: z.core.$ZodIssue): number {
  return issue.code === 'invalid_type' ? 0 : 1
}
