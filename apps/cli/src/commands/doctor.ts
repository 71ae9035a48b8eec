import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import type { Check } from '../doctor/check.ts'
import { checkHere, checkNode } from '../doctor/local-checks.ts'
import { checkCalls, checkServer } from '../doctor/server-checks.ts'

export interface DoctorOptions {
  readonly call?: true
}

/** Checks everything that a batch needs, and says how to fix what fails. */
export async function doctor(cli: Cli, { call }: DoctorOptions, version: string): Promise<ExitCode> {
  const { checks: server, client } = await checkServer(cli, version)
  const checks: Check[] = [checkNode(), ...server]
  // If SLUICE_URL is set, the server may run elsewhere, with another environment.
  if (!cli.config.isUrlGiven) checks.push(...(await checkHere(cli.config.env, cli.line)))
  if (call === true && client !== undefined) checks.push(...(await checkCalls(client, cli.line)))

  const passed = checks.every(({ state }) => state !== 'failed')
  cli.print({ object: 'doctor', ok: passed, checks }, () => [
    ...checks.flatMap((check) => describe(check)),
    '',
    passed ? 'Everything that Sluice needs is there.' : 'Fix the failed checks from the top, then run doctor again.',
  ])
  return passed ? exitCodes.ok : exitCodes.failed
}

const marks = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const

function describe({ what, state, message, fix }: Check): string[] {
  return [`${marks[state]}  ${what}: ${message}`, ...(fix === undefined ? [] : [`         -> ${fix}`])]
}
