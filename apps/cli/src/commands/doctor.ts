import type { Cli } from '../cli.ts'
import { type ExitCode, exitCodes } from '../cli-error.ts'
import type { Check } from '../doctor/check.ts'
import { checkHere, checkNode } from '../doctor/local-checks.ts'
import { checkCalls, checkServer } from '../doctor/server-checks.ts'

export interface DoctorOptions {
  readonly call?: true
}

/** Looks at everything that work needs, and says what to mend. */
export async function doctor(cli: Cli, { call }: DoctorOptions, version: string): Promise<ExitCode> {
  const { checks: server, client } = await checkServer(cli, version)
  const checks: Check[] = [checkNode(), ...server]
  // A server elsewhere has another environment than this one.
  if (!cli.config.isUrlGiven) checks.push(...(await checkHere(cli.config.env)))
  if (call === true && client !== undefined) checks.push(...(await checkCalls(client)))

  const isWell = checks.every(({ state }) => state !== 'failed')
  cli.print({ object: 'doctor', ok: isWell, checks }, () => [
    ...checks.flatMap((check) => describe(check)),
    '',
    isWell ? 'All that is needed is there.' : 'Mend what failed, from the top, and look again.',
  ])
  return isWell ? exitCodes.ok : exitCodes.failed
}

const marks = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const

function describe({ what, state, message, fix }: Check): string[] {
  return [`${marks[state]}  ${what}: ${message}`, ...(fix === undefined ? [] : [`         -> ${fix}`])]
}
