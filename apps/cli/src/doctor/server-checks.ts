import {
  ApiError,
  AuthenticationError,
  ConnectionError,
  createClient,
  type LaneList,
  type Sluice,
} from '@sluice/client'
import { extracted } from '@sluice/contract/extract-now'
import { z } from 'zod'
import type { Cli } from '../cli.ts'
import { whyUnreachable } from '../connect.ts'
import { type Check, failed, ok, warning } from './check.ts'

/** Checks the server from here. `client` is undefined if the other checks cannot run. */
export async function checkServer(
  { config: { url, apiKey }, signal, line }: Cli,
  version: string,
): Promise<{ readonly checks: readonly Check[]; readonly client: Sluice | undefined }> {
  const why = await whyUnreachable(url, signal)
  if (why !== undefined) {
    const fix = 'Start one with `npx -y pnpm@12 start`, or set SLUICE_URL to the address of a running one.'
    return { checks: [failed('Server', `No Sluice server answers at ${url} (${why}).`, fix)], client: undefined }
  }
  const client = createClient({ baseUrl: url, apiKey })
  const checks = [
    ok('Server', `It answers at ${url}.`),
    await checkReady(client),
    ...(await checkKey(client, url, apiKey)),
  ]
  // Without a valid key the server does not answer the other checks.
  if (checks.some(({ state }) => state === 'failed')) return { checks, client: undefined }
  checks.push(await checkVersion(client, version), ...(await checkLanes(client)), ...(await checkPaused(client, line)))
  return { checks, client }
}

/** Makes one small, paid call on each lane. */
export async function checkCalls(client: Sluice, line: Cli['line']): Promise<Check[]> {
  const { data: lanes } = await client.lanes()
  return Promise.all(lanes.map(({ name }) => callOn(client, name, line)))
}

async function callOn(client: Sluice, lane: string, line: Cli['line']): Promise<Check> {
  const what = `Call on lane ${lane}`
  const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
  const response = await client.request('/v1/extract', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ extractor: { schema, lane }, text: 'My name is Jill.', wait_s: 60 }),
  })
  if (response.status === 202) {
    const { id } = z.object({ id: z.string() }).parse(await response.json())
    return failed(what, 'No answer within 60 s, or the lane is paused.', `To see why: ${line('status', id)}`)
  }
  const result = extracted.parse(await response.json())
  if (result.status === 'succeeded') return ok(what, `The model answered: ${JSON.stringify(result.data)}`)
  return failed(
    what,
    `${result.error?.type}: ${result.error?.message}`,
    'Check the lane in sluice.config.ts, or OPENAI_BASE_URL and SLUICE_MODEL.',
  )
}

async function checkReady(client: Sluice): Promise<Check> {
  try {
    const response = await client.request('/readyz')
    await response.body?.cancel()
    return ok('Redis', 'The server reaches it.')
  } catch (error) {
    if (!(error instanceof ApiError) && !(error instanceof ConnectionError)) throw error
    return failed('Redis', error.message, "Start the Redis that the server's REDIS_URL names; see the server's log.")
  }
}

async function checkKey(client: Sluice, url: string, apiKey: string | undefined): Promise<Check[]> {
  try {
    await client.lanes()
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error
    const fix =
      apiKey === undefined
        ? "Set SLUICE_API_KEY to one of the server's SLUICE_API_KEYS."
        : "SLUICE_API_KEY is not one of the server's SLUICE_API_KEYS. Set it to one of them."
    return [failed('Key', error.message, fix)]
  }
  const { protocol, hostname } = new URL(url)
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  if (apiKey !== undefined && protocol === 'http:' && !isLocal) {
    return [
      warning(
        'Key',
        'The server accepts it, but it is sent over the network unencrypted.',
        `Use https: ${url.replace('http:', 'https:')}`,
      ),
    ]
  }
  return [ok('Key', apiKey === undefined ? 'The server requires no key.' : 'The server accepts it.')]
}

async function checkVersion(client: Sluice, version: string): Promise<Check> {
  const document = z.object({ info: z.object({ version: z.string() }) })
  const { info } = document.parse(await (await client.request('/openapi.json')).json())
  return info.version === version
    ? ok('Version', `Server and command have version ${version}.`)
    : warning(
        'Version',
        `The server has version ${info.version}, this command ${version}.`,
        'Use the same version for both.',
      )
}

async function checkLanes(client: Sluice): Promise<Check[]> {
  const { data } = await client.lanes()
  return data.map(checkLane)
}

function checkLane({ name, model, workers, concurrency, calls, pause_reason }: LaneList['data'][number]): Check {
  const what = `Lane ${name}`
  const counted = Object.entries(calls).map(([outcome, count]) => `${count} ${outcome}`)
  const history = counted.length === 0 ? 'no call yet' : `calls so far: ${counted.join(', ')}`
  if (workers === 0) return failed(what, `No worker runs for ${model}; ${history}.`, 'Start one: npx -y pnpm@12 worker')
  if (pause_reason !== null) {
    return failed(
      what,
      `It is paused, because no call can succeed: ${pause_reason}`,
      `Fix the cause, then resume its batches, or all at once: POST /v1/lanes/${name}/resume`,
    )
  }
  return ok(
    what,
    `${model}, ${workers} ${workers === 1 ? 'worker' : 'workers'}, at most ${concurrency} calls at once; ${history}.`,
  )
}

async function checkPaused(client: Sluice, line: Cli['line']): Promise<Check[]> {
  const { data } = await client.batches({ status: 'paused', limit: 100 })
  return data
    .filter(({ pause_reason }) => pause_reason !== 'user')
    .map(({ id, pause_reason }) =>
      warning(
        `Batch ${id}`,
        `It is paused: ${pause_reason ?? 'no reason given'}`,
        `Fix the cause, then: ${line('resume', id)}`,
      ),
    )
}
