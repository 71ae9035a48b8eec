import { type Normalised, normalise } from './normalise.ts'
import { SchemaIssueError } from './schema-issue.ts'
import type { SchemaNode } from './subschemas.ts'

const known = new WeakMap<SchemaNode, Normalised | SchemaIssueError>()

/** A schema as JSON Schema 2020-12, derived once for each object; the issue of one that the door refuses. */
export function normalisedOf(schema: SchemaNode): Normalised | SchemaIssueError {
  let normalised = known.get(schema)
  if (normalised === undefined) {
    try {
      normalised = normalise(schema)
    } catch (error) {
      if (!(error instanceof SchemaIssueError)) throw error
      normalised = error
    }
    known.set(schema, normalised)
  }
  return normalised
}

/** The schema as JSON Schema 2020-12; as it is where the door refuses it. */
export function normalisedOrSame(schema: SchemaNode): SchemaNode {
  const normalised = normalisedOf(schema)
  return normalised instanceof SchemaIssueError ? schema : normalised.schema
}
