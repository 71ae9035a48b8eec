import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@sluice/contract/batch'
import { onTestFailed, onTestFinished } from 'vitest'
import { findFreePort } from '@sluice/local/processes/ports'
import { run } from './docker.ts'

const root = resolve(import.meta.dirname, '../..')

/** The compose file as a user runs it, with a separate project name, port and keys. */
export async function composeProject({ keys = [randomBytes(16).toString('hex')] }: { keys?: readonly string[] } = {}) {
  const name = `sluice-test-${randomBytes(4).toString('hex')}`
  const port = await findFreePort()
  const [apiKey = ''] = keys
  const env = {
    ...process.env,
    PORT: String(port),
    SLUICE_API_KEYS: keys.join(','),
    SLUICE_CONCURRENCY: '5',
    SLUICE_GRACE_S: '0.5',
    OPENAI_API_KEY: '',
    OPENAI_BASE_URL: '',
    SLUICE_MODEL: '',
  }
  const files = ['--file', 'docker-compose.yml', '--file', 'test/compose/slow-simulator.yml']
  const compose = async (...args: string[]): Promise<string> => {
    const options = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 }
    return (await run('docker', ['compose', '--project-name', name, ...files, ...args], options)).stdout.trim()
  }
  onTestFinished(async () => {
    await compose('down', '--volumes', '--timeout', '1')
  })
  onTestFailed(async () => console.error(await compose('logs', '--tail', '40')))
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    return fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init })
  }
  const batch = async (id: string): Promise<Batch> => (await (await request(`/v1/batches/${id}`)).json()) as Batch
  return {
    url: `http://127.0.0.1:${port}`,
    compose,
    /** Starts the API again with these keys. */
    setKeys: async (now: readonly string[]): Promise<void> => {
      env.SLUICE_API_KEYS = now.join(',')
      await compose('up', '--detach', '--wait', '--no-deps', 'api')
    },
    request,
    until: async (id: string, enough: (batch: Batch) => boolean, limitMs: number): Promise<Batch> => {
      for (const deadline = Date.now() + limitMs; ; await sleep(200)) {
        const now = await batch(id)
        if (enough(now)) return now
        if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${JSON.stringify(now)}`)
      }
    },
  }
}
