import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Values are searched to this depth, and this many elements of each; a deeper one is reported at its parent. */
const deepest = 16
const mostElements = 100

/** The path to the value on which a function of the schema throws: the deepest value that throws when it is parsed alone. */
export async function whereItThrew(schema: z.ZodType, data: unknown, depth = 0): Promise<PropertyKey[]> {
  if (depth >= deepest) return []
  for (const [key, inner, value] of partsOf(schema, data)) {
    try {
      await inner.safeParseAsync(value)
    } catch {
      return [key, ...(await whereItThrew(inner, value, depth + 1))]
    }
  }
  return []
}

/** The line of the author's code that threw, as `file:line:column`; null if the stack does not contain it. */
export function codePlace(error: unknown): string | null {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  for (const line of stack.split('\n')) {
    const place = /^\s+at (?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/.exec(line)
    if (place === null) continue
    const [, file = '', row, column] = place
    if (file.includes('node_modules') || file === import.meta.filename || file === import.meta.url) continue
    return `${basename(file.startsWith('file:') ? fileURLToPath(file) : file)}:${row}:${column}`
  }
  return null
}

function partsOf(schema: z.ZodType, data: unknown): [PropertyKey, z.ZodType, unknown][] {
  const inner = unwrapped(schema)
  if (inner !== null) return partsOf(inner, data)
  if (schema instanceof z.ZodObject && typeof data === 'object' && data !== null) {
    return Object.entries(schema.shape).map(([key, property]) => [
      key,
      property as z.ZodType,
      Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined,
    ])
  }
  if (schema instanceof z.ZodRecord && typeof data === 'object' && data !== null) {
    return Object.entries(data)
      .slice(0, mostElements)
      .map(([key, value]) => [key, schema.valueType as z.ZodType, value])
  }
  if (schema instanceof z.ZodTuple && Array.isArray(data)) {
    return schema.def.items.map((item, i) => [i, item as z.ZodType, data[i] as unknown])
  }
  if (schema instanceof z.ZodArray && Array.isArray(data)) {
    return data.slice(0, mostElements).map((value: unknown, i) => [i, schema.element as z.ZodType, value])
  }
  return []
}

function unwrapped(schema: z.ZodType): z.ZodType | null {
  // A transform is a pipe: what it reads is before it.
  if (schema instanceof z.ZodPipe) return schema.in as z.ZodType
  if (schema instanceof z.ZodLazy) return schema.unwrap() as z.ZodType
  const wrappers = [
    z.ZodOptional,
    z.ZodNullable,
    z.ZodDefault,
    z.ZodPrefault,
    z.ZodCatch,
    z.ZodReadonly,
    z.ZodNonOptional,
  ]
  return wrappers.some((wrapper) => schema instanceof wrapper)
    ? ((schema as z.ZodOptional).unwrap() as z.ZodType)
    : null
}
