import type { JsonSchema } from '@sluice/contract/extractor'
import { countTokens } from './count-tokens.ts'

// Typical answers: a short phrase for a string, a few elements for a list.
const tokensOfString = 6
const tokensOfNumber = 2
const elements = 3
const punctuation = 4
const mostLevels = 8

/** Estimates the tokens of an answer from the schema alone. */
export function estimateAnswerTokens(schema: JsonSchema): number {
  const sizeOf = (node: unknown, level: number): number => {
    if (typeof node !== 'object' || node === null || level > mostLevels) return tokensOfString
    const { $ref, properties, items, enum: values, anyOf, oneOf, allOf, type } = node as Record<string, unknown>
    if (typeof $ref === 'string') return sizeOf(resolve(schema, $ref), level + 1)
    if (typeof properties === 'object' && properties !== null) {
      const fields = Object.entries(properties)
      return fields.reduce((sum, [name, field]) => sum + countTokens(name) + punctuation + sizeOf(field, level + 1), 2)
    }
    if (items !== undefined) return 2 + elements * sizeOf(items, level + 1)
    if (Array.isArray(values)) return countTokens(String(values[0]))
    const union = anyOf ?? oneOf
    if (Array.isArray(union)) return Math.max(...union.map((branch) => sizeOf(branch, level + 1)))
    if (Array.isArray(allOf)) return allOf.reduce<number>((sum, part) => sum + sizeOf(part, level + 1), 0)
    return type === 'number' || type === 'integer' || type === 'boolean' ? tokensOfNumber : tokensOfString
  }
  return sizeOf(schema, 0)
}

function resolve(root: JsonSchema, reference: string): unknown {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((key) => key !== '')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root)
}
