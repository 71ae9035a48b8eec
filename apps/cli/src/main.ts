#!/usr/bin/env node
import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { createCli } from './cli.ts'
import { exitCodes } from './cli-error.ts'
import { readCliConfig } from './config.ts'
import { explain } from './explain.ts'
import { createProgram } from './program.ts'
import { createStopSignal } from './stop-signal.ts'

// The composition root of the command.
let isJson = false
const signal = createStopSignal()

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader has closed the pipe, as `head` does.
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
  throw error
})

try {
  const config = readCliConfig()
  // A package manager changes to the folder of its package.json, but users name files relative to their own directory.
  if (config.calledFrom !== undefined) process.chdir(config.calledFrom)
  const program = createProgram({ name: config.command, version: packageJson.version }, async (common, command) => {
    isJson = common.json === true
    process.exitCode = await command(createCli(config, common, signal))
  })
  await program.parseAsync()
} catch (error) {
  // An abort surfaces as many different errors; its reason is the one to report.
  fail(signal.aborted && explain(error) === undefined ? signal.reason : error)
}

function fail(error: unknown): void {
  // commander has printed its message.
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    return
  }
  const explained = explain(error)
  if (explained === undefined) {
    process.exitCode = exitCodes.failed
    console.error(error)
    return
  }
  const { code, message, exitCode } = explained
  process.exitCode = exitCode
  console.error(
    isJson ? JSON.stringify({ error: { code, message } }) : styleText('red', message, { stream: process.stderr }),
  )
}
