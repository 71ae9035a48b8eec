import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { CliError, exitCodes } from './cli-error.ts'

/** Settings from the environment. Keys come only this way: every user of the machine can read arguments, and the shell stores them. */
export interface CliConfig {
  /** SLUICE_URL; without it, the address that `pnpm start` would use in the same environment. */
  readonly url: string
  /** The user has set the address, so the command must not start a server there. */
  readonly isUrlGiven: boolean
  readonly apiKey: string | undefined
  /** Where runs are stored. */
  readonly stateDirectory: string
  /** The variable TERM. */
  readonly terminal: string | undefined
  /** How the user types the command: `sluice`, `pnpm sluice`. */
  readonly command: string
  /** The user's directory, if a package manager has changed the current one. */
  readonly calledFrom: string | undefined
  /** For processes that the command starts, and for checks. */
  readonly env: NodeJS.ProcessEnv
}

const urlSchema = z.url({ protocol: /^https?$/ })

export function readCliConfig(env: NodeJS.ProcessEnv = process.env): CliConfig {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const url = given('SLUICE_URL')
  if (url !== undefined && !urlSchema.safeParse(url).success) {
    throw new CliError('SLUICE_URL must be a URL such as http://127.0.0.1:3000.', exitCodes.usage)
  }
  const isScript = env['npm_lifecycle_event'] === 'sluice'
  return {
    url: (url ?? `http://127.0.0.1:${given('PORT') ?? '3000'}`).replace(/\/+$/, ''),
    isUrlGiven: url !== undefined,
    apiKey: given('SLUICE_API_KEY'),
    stateDirectory: join(given('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state'), 'sluice'),
    terminal: env['TERM'],
    command: !isScript ? 'sluice' : /[\\/]_npx[\\/]/.test(env['PATH'] ?? '') ? 'npx -y pnpm@12 sluice' : 'pnpm sluice',
    calledFrom: isScript ? given('INIT_CWD') : undefined,
    env,
  }
}
