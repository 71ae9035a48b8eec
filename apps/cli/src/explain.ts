import { ApiError, AuthenticationError, SluiceError } from '@sluice/client'
import { CliError, type ExitCode, exitCodes } from './cli-error.ts'
import { InputError } from './inputs/input.ts'

export interface Explained {
  /** A stable name for scripts. */
  readonly code: string
  readonly message: string
  readonly exitCode: ExitCode
}

/** The message for an error that the user can fix; undefined for a bug. */
export function explain(error: unknown): Explained | undefined {
  if (error instanceof CliError) return { code: 'refused', message: error.message, exitCode: error.exitCode }
  if (error instanceof InputError) return { code: 'invalid_input', message: error.message, exitCode: exitCodes.failed }
  if (error instanceof AuthenticationError) {
    const message = `${error.message} Set SLUICE_API_KEY to one of the server's SLUICE_API_KEYS.`
    return { code: error.code, message, exitCode: exitCodes.failed }
  }
  if (error instanceof ApiError) return { code: error.code, message: error.message, exitCode: exitCodes.failed }
  if (error instanceof SluiceError) return { code: 'unreachable', message: error.message, exitCode: exitCodes.failed }
  return undefined
}
