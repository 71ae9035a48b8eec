import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'

const kept = new LRUCache<string, { readonly matcher: RE2JS } | { readonly problem: string }>({ max: 5_000 })

/** A pattern that runs in time linear in its input: RE2, searching anywhere in the text as JSON Schema says. Throws where RE2 cannot. */
export function compilePattern(pattern: string): RE2JS {
  const compiled = compile(pattern)
  if ('problem' in compiled) throw new SyntaxError(compiled.problem)
  return compiled.matcher
}

/** Why a pattern cannot be used, or null. */
export function patternProblem(pattern: string): string | null {
  const compiled = compile(pattern)
  return 'problem' in compiled ? compiled.problem : null
}

function compile(pattern: string) {
  let compiled = kept.get(pattern)
  if (compiled === undefined) {
    try {
      compiled = { matcher: RE2JS.compile(RE2JS.translateRegExp(pattern)) }
    } catch (error) {
      compiled = { problem: error instanceof Error ? error.message : String(error) }
    }
    kept.set(pattern, compiled)
  }
  return compiled
}
