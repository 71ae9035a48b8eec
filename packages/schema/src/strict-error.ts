/** Strict mode cannot express the schema: where, and why. */
export class NotStrictError extends Error {
  /** JSON pointer into the schema, '' for its root. */
  readonly pointer: string
  constructor(pointer: string, reason: string) {
    super(reason)
    this.pointer = pointer
  }
}
