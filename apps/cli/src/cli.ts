import type { Sluice } from '@sluice/client'
import { createScreen, type Screen } from '@sluice/terminal/screen'
import type { CliConfig } from './config.ts'
import { connect } from './connect.ts'
import { createMemory, type Memory } from './memory.ts'
import { lineOf } from './sink.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true
  readonly quiet?: true
  readonly input: boolean
}

/** What a command works with. Data goes to standard output; messages and progress go to standard error, through `screen`. */
export interface Cli {
  readonly config: CliConfig
  readonly screen: Screen
  readonly memory: Memory
  /** Standard input and error are a terminal, and questions are allowed. */
  readonly mayAsk: boolean
  readonly json: boolean
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  /** A client of a server that answers. If none runs, it offers to start one. */
  readonly connect: () => Promise<Sluice>
  /** Prints the output of the command: one JSON value with --json, otherwise lines for people. */
  readonly print: (value: unknown, lines: () => readonly string[]) => void
  /** A command as the user can type it here. */
  readonly line: (...args: readonly string[]) => string
}

export function createCli(config: CliConfig, { json, quiet, input }: CommonOptions, signal: AbortSignal): Cli {
  const full = createScreen(process.stderr, config.terminal)
  const isMuted = json === true || quiet === true
  const screen: Screen = isMuted ? { ...full, isLive: false, say: () => {}, status: () => {} } : full
  const cli: Cli = {
    config,
    screen,
    memory: createMemory(config.stateDirectory),
    mayAsk: input && !isMuted && full.isLive && process.stdin.isTTY,
    json: json === true,
    signal,
    connect: () => connect(cli),
    print(value, lines) {
      process.stdout.write(
        json === true
          ? lineOf(value)
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      )
    },
    line: (...args) => shellLine(config.command, args),
  }
  return cli
}

/** A command that can be pasted into a shell. */
export function shellLine(command: string, args: readonly string[]): string {
  return [command, ...args.map(quoted)].join(' ')
}

function quoted(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`
}
