import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { CliError, exitCodes } from './cli-error.ts'

/** What the command is told by its environment. Keys come this way only: arguments are seen by everyone on the machine, and kept by the shell. */
export interface CliConfig {
  /** SLUICE_URL, else where `pnpm start` would be in the same environment. */
  readonly url: string
  /** Somebody chose the address, so it is not for us to start something there. */
  readonly isUrlGiven: boolean
  readonly apiKey: string | undefined
  /** Where runs are remembered. */
  readonly stateDirectory: string
  /** The variable TERM. */
  readonly terminal: string | undefined
  /** How the command was typed: `sluice`, `pnpm sluice`. */
  readonly command: string
  /** Where it was typed, when a package manager has changed the directory since. */
  readonly calledFrom: string | undefined
  /** For what is started and checked here. */
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
