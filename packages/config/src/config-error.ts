/** The configuration cannot be used. `message` holds one readable line for each thing at fault; a `main.ts` prints it and exits 1. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** Nothing is wrong, only no model is named anywhere. `pnpm start` answers this one with the simulator. */
export class NoProviderError extends ConfigError {
  override readonly name = 'NoProviderError'

  constructor() {
    super([
      'No provider is configured. Set OPENAI_API_KEY or OPENAI_BASE_URL together with SLUICE_MODEL, or name lanes in sluice.config.ts.',
    ])
  }
}
