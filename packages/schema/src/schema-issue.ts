/** What is wrong with a schema, or has no effect in it, and where. */
export interface SchemaIssue {
  /** JSON pointer into the schema as it was given, '' for its root. */
  readonly pointer: string
  readonly message: string
}

/** Thrown while a schema is normalised; check.ts returns it to the caller. */
export class SchemaIssueError extends Error {
  readonly pointer: string
  constructor(pointer: string, message: string) {
    super(message)
    this.pointer = pointer
  }
}

/** A value as a message quotes it. */
export function shown(value: unknown): string {
  const text = String(value)
  return `'${text.length > 80 ? `${text.slice(0, 80)}…` : text}'`
}
