/** The configuration cannot be used. `message` holds one readable line for each thing at fault; a `main.ts` prints it and exits 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}
