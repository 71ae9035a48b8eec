import { compilePattern, type Matcher } from './pattern.ts'
import { SchemaIssueError } from './schema-issue.ts'

/** Of all patterns of a schema; each state takes about 100 bytes of memory. */
export const mostPatternStates = 50_000

/** Checks the patterns of one schema, one call each. Throws a SchemaIssueError for one that cannot be run, or when all have too many states. */
export function createPatternCheck(): (pattern: string, from: string) => void {
  const matchers = new Set<Matcher>()
  let states = 0
  return (pattern, from) => {
    try {
      const matcher = compilePattern(pattern)
      if (!matchers.has(matcher)) states += matcher.states
      matchers.add(matcher)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new SchemaIssueError(from, `is not a pattern that can be run: ${error.message}`)
    }
    if (states > mostPatternStates)
      throw new SchemaIssueError(
        from,
        `is one pattern too many: together they have more than ${mostPatternStates} states`,
      )
  }
}
