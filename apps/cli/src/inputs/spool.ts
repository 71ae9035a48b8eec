import { createWriteStream, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Writes an input that can be read only once to a temporary file and resolves to its path. The file is deleted when the process exits.
 * The digest must be known before anything is sent, so that the same input resumes, and the input may be larger than memory.
 */
export async function spool(source: Readable, signal: AbortSignal): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-input-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'input')
  await pipeline(source, createWriteStream(path, { mode: 0o600 }), { signal })
  return path
}
