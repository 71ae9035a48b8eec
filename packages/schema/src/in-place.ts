import type { Rule } from './program.ts'

/** Rules that apply to the same value as `rule`. */
function inPlaceRules(rule: Rule): Rule[] {
  const { ref, allOf, anyOf, oneOf, not, condition, dependentSchemas } = rule
  const found: (Rule | null)[] = [ref, ...(allOf ?? []), ...(anyOf?.branches ?? []), ...(oneOf?.branches ?? []), not]
  if (condition !== null) found.push(condition.test, condition.whenTrue, condition.whenFalse)
  return [...found.filter((inner) => inner !== null), ...(dependentSchemas?.values() ?? [])]
}

/** The longest chain of schemas that apply to one value, and where it starts; Infinity where a reference leads back to itself. Without recursion. */
export function longestInPlace(rules: ReadonlyMap<string, Rule>): { length: number; pointer: string } {
  const lengths = new Map<Rule, number>()
  const open = new Set<Rule>()
  let longest = { length: 0, pointer: '' }
  for (const first of rules.values()) {
    const stack = [first]
    for (let rule = stack.at(-1); rule !== undefined; rule = stack.at(-1)) {
      if (lengths.has(rule)) {
        stack.pop()
        continue
      }
      const inner = inPlaceRules(rule)
      const unknown = inner.filter((one) => !lengths.has(one))
      if (unknown.length === 0) {
        const length = inner.reduce((most, one) => Math.max(most, lengths.get(one)!), 0) + 1
        lengths.set(rule, length)
        open.delete(rule)
        if (length > longest.length) longest = { length, pointer: rule.pointer }
        stack.pop()
        continue
      }
      // On its way down already: a circle.
      if (unknown.some((one) => open.has(one))) return { length: Number.POSITIVE_INFINITY, pointer: rule.pointer }
      open.add(rule)
      stack.push(...unknown)
    }
  }
  return longest
}
