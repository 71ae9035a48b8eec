import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { laneConfig } from '@sluice/contract/lane'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createIsolatedExtract } from './isolated-extract.ts'

const answer = {
  id: '1',
  object: 'chat.completion',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '{}' } }],
  usage: { prompt_tokens: 1, completion_tokens: 1 },
}

/** The processes of suspect items that this process has started. */
function isolatedProcesses(): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('isolated-child.ts'))
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (parent === process.pid ? [pid!] : []))
}

test('a process that ended while it was idle is replaced, and the next suspect item is not failed for it', async () => {
  const server = createServer((_req, res) =>
    res.setHeader('content-type', 'application/json').end(JSON.stringify(answer)),
  )
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  for (const [name, value] of Object.entries({
    REDIS_URL: 'redis://127.0.0.1:1',
    OPENAI_BASE_URL: baseUrl,
    OPENAI_API_KEY: 'none',
    SLUICE_MODEL: 'test',
  }))
    vi.stubEnv(name, value)
  // As a module of somebody's NODE_OPTIONS may do.
  vi.stubEnv('NODE_OPTIONS', `--import "data:text/javascript,process.on('message',()=>{});process.channel?.unref()"`)
  onTestFinished(() => void vi.unstubAllEnvs())
  await using isolated = createIsolatedExtract()
  const lane = laneConfig.parse({ model: 'test', baseUrl })
  const extract = isolated.wrap('default', lane, () => Promise.reject(new Error('It must run apart.')))
  const request = {
    text: 'a',
    extractor: {
      object: 'extractor' as const,
      name: 'any',
      version: 1,
      schema: { type: 'object' },
      instructions: '',
      lane: 'default',
      parameters: {},
      reasks: 0,
      created_at: 0,
    },
    reasks: [],
  }
  const call = async () =>
    (await extract(request, { signal: new AbortController().signal, isIsolated: true })).outcome.type
  expect(await call()).toBe('extracted')
  const [pid] = isolatedProcesses()
  // It waits for the next call, although nothing else keeps it alive.
  expect(await call()).toBe('extracted')
  expect(isolatedProcesses()).toContain(pid)
  process.kill(pid!, 'SIGKILL')
  await expect.poll(() => isolatedProcesses()).not.toContain(pid)
  expect(await call()).toBe('extracted')
})
