/** The configuration cannot be used. `message` has one readable line per problem; a `main.ts` prints it and exits with 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}
