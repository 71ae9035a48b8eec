import { type Budget, spend } from './budget.ts'

/**
 * The same text for values that JSON Schema calls equal: `{a, b}` and `{b, a}`, `1` and `1.0`, `0` and `-0`. Its cost is counted.
 * Recursive: callers check the depth of a value first.
 */
export function canonical(value: unknown, budget: Budget): string {
  if (typeof value === 'string') {
    spend(budget, 1 + value.length / 16)
    return JSON.stringify(value)
  }
  spend(budget, 2)
  // Adding 0 turns -0 into 0.
  if (typeof value === 'number') return String(value + 0)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, budget)).join(',')}]`
  const object = value as Record<string, unknown>
  const keys = Object.keys(object)
  // Sorting costs about log2(n) comparisons for each key.
  spend(budget, keys.length * (1 + Math.ceil(Math.log2(keys.length + 1))))
  const fields = keys.toSorted().map((key) => `${JSON.stringify(key)}:${canonical(object[key], budget)}`)
  return `{${fields.join(',')}}`
}
