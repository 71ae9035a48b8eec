/** What the exit code tells a script. */
export const exitCodes = {
  ok: 0,
  /** It could not be done; the message says why. */
  failed: 1,
  /** The command was not typed right. */
  usage: 2,
  /** All is done, and some items failed or were cancelled. */
  itemsFailed: 3,
  /** The batch is paused, so waiting is of no use. */
  paused: 4,
  /** Ctrl-C; the batch goes on. */
  detached: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Something that the user can mend: the message says what is wrong and how. Anything else that is thrown is a bug. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message)
    this.exitCode = exitCode
  }
}
