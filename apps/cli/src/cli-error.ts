/** Exit codes, for scripts. */
export const exitCodes = {
  ok: 0,
  /** The command failed; the message says why. */
  failed: 1,
  /** Wrong usage: an unknown option, a missing argument. */
  usage: 2,
  /** The batch has ended, and some items failed or were cancelled. */
  itemsFailed: 3,
  /** The batch is paused: waiting would not help. */
  paused: 4,
  /** Ctrl-C. The batch continues. */
  detached: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Something that the user can fix: the message says what is wrong and how to fix it. Anything else that is thrown is a bug. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message)
    this.exitCode = exitCode
  }
}
