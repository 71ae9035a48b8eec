import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '@sluice/contract/batch'
import { onTestFinished } from 'vitest'
import type { CliPlace } from './cli-process.ts'
import type { System } from './system.ts'

const personModule = `import { z } from 'zod'
export const instructions = 'Extract the person.'
export default z.object({ name: z.string(), age: z.int() })
`

/** A folder for one test, with a schema in person.ts. The command runs there and stores its memory there. */
export interface Place {
  readonly directory: string
  write(name: string, content: string | Uint8Array): Promise<void>
  /** The results in a file, `out.jsonl` by default. */
  readOut(name?: string): Promise<any[]>
  /** With the address of a system. */
  of(system: System, env?: Readonly<Record<string, string>>): CliPlace
}

export async function makePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const write: Place['write'] = (name, content) => writeFile(join(directory, name), content)
  await write('person.ts', personModule)
  return {
    directory,
    write,
    readOut: async (name = 'out.jsonl') => parse(await readFile(join(directory, name), 'utf8')),
    of: ({ url }, env = {}) => ({ directory, env: { SLUICE_URL: url, ...env } }),
  }
}

export const jsonl = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')

export function parse(lines: string): any[] {
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

export async function batchesOf(system: System): Promise<Batch[]> {
  return (await system.request('GET', '/v1/batches')).body.data as Batch[]
}

/** The arguments of the last command that the output suggests. */
export function suggestedCommand(stderr: string): string[] {
  const line = stderr.split('\n').findLast((line) => line.startsWith('  sluice ')) ?? ''
  return line.trim().split(' ').slice(1)
}
