import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startSystem } from '../../support/system.ts'

const run = promisify(execFile)
const version = '3.22.1'

/** Needs Python 3.9 or later with venv and pip. */
test("OpenAI's Python client runs batches here as it does at OpenAI", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-python-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await run('python3', ['-m', 'venv', folder])
  const python = join(folder, 'bin', 'python')
  await run(python, ['-m', 'pip', 'install', '--quiet', `openai==${version}`])
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
  const script = join(import.meta.dirname, 'official_client.py')
  const { stdout } = await run(python, [script, `${system.url}/openai/v1`])
  expect(stdout).toContain(`openai ${version}: all as expected`)
})
