import type { Sluice } from '@sluice/client'
import { createScreen, type Screen } from '@sluice/terminal/screen'
import type { CliConfig } from './config.ts'
import { connect } from './connect.ts'
import { createMemory, type Memory } from './memory.ts'
import { shellLine } from './shell-line.ts'
import { lineOf } from './sink.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true
  readonly quiet?: true
  readonly input: boolean
}

/** What a command works with. Data goes to standard output; words and progress to standard error, through `screen`. */
export interface Cli {
  readonly config: CliConfig
  readonly screen: Screen
  readonly memory: Memory
  /** Somebody sits at a terminal who can be asked. */
  readonly mayAsk: boolean
  readonly json: boolean
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  /** The client of a server that answers; offers to start one where there is none. */
  readonly connect: () => Promise<Sluice>
  /** Prints what was asked for: one JSON value under --json, else lines for a person. */
  readonly print: (value: unknown, lines: () => readonly string[]) => void
  /** A command of ours as it can be typed here. */
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
