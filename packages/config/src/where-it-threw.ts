import { z } from 'zod'

/** Looked into so deep, and into so many values: what is found beyond is told at its parent. */
const deepest = 16
const mostElements = 100

/** The path to the value on which a schema's own function throws: the deepest of objects and arrays that does so alone. */
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

function partsOf(schema: z.ZodType, data: unknown): [PropertyKey, z.ZodType, unknown][] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return partsOf(schema.unwrap() as z.ZodType, data)
  }
  // A transform is a pipe: what it reads is before it.
  if (schema instanceof z.ZodPipe) return partsOf(schema.in as z.ZodType, data)
  if (schema instanceof z.ZodObject && typeof data === 'object' && data !== null) {
    return Object.entries(schema.shape).map(([key, inner]) => [
      key,
      inner as z.ZodType,
      Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined,
    ])
  }
  if (schema instanceof z.ZodArray && Array.isArray(data)) {
    return data.slice(0, mostElements).map((value: unknown, i) => [i, schema.element as z.ZodType, value])
  }
  return []
}
