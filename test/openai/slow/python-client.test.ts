import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { startSystem } from '../../support/system.ts'

const run = promisify(execFile)
const version = '3.22.1'

const folder = await mkdtemp(join(tmpdir(), 'sluice-python-'))
afterAll(() => rm(folder, { recursive: true }))
const python = await install()

/** A Python with the client; null where there is no Python 3.9 with venv and pip, or no package index. */
async function install(): Promise<string | null> {
  const installed = join(folder, 'bin', 'python')
  try {
    await run('python3', ['-m', 'venv', folder])
    await run(installed, ['-m', 'pip', 'install', '--quiet', '--retries', '1', `openai==${version}`], {
      timeout: 120_000,
    })
    return installed
  } catch (error) {
    console.error(`SKIPPED, OpenAI's Python client is not tested: ${(error as Error).message.slice(0, 300)}`)
    return null
  }
}

test.skipIf(python === null)("OpenAI's Python client runs batches here as it does at OpenAI", async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
  const script = join(import.meta.dirname, 'official_client.py')
  const { stdout } = await run(python!, [script, `${system.url}/openai/v1`])
  expect(stdout).toContain(`openai ${version}: all as expected`)
})
