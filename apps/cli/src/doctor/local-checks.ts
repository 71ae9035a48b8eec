import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type Config, readConfigForStart } from '@sluice/config/config'
import { ConfigError } from '@sluice/config/config-error'
import { isAccepted, preflight } from '@sluice/engine/redis/preflight'
import { z } from 'zod'
import { type Check, failed, ok, warning } from './check.ts'

const answerWithinMs = 10_000
const oldestNode = 24

export function checkNode(): Check {
  const { node } = process.versions
  return Number.parseInt(node, 10) >= oldestNode
    ? ok('Node', `Version ${node}.`)
    : failed(
        'Node',
        `Version ${node} is too old: ${oldestNode} or later is required.`,
        'Use `npx -y pnpm@12 sluice`, which installs its own Node.',
      )
}

/**
 * Checks what a server would use if it were started here: configuration, Redis and providers. `line` is a command of this program as
 * users type it.
 */
export async function checkHere(
  given: NodeJS.ProcessEnv,
  line: (...args: readonly string[]) => string,
): Promise<Check[]> {
  const file: NodeJS.ProcessEnv = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}
  let config: Config
  let redisUrl: string | undefined
  try {
    ;({ config, redisUrl } = await readConfigForStart({ ...file, ...given }))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.lines.map((line) =>
      failed('Configuration', line, 'Correct it in the environment, .env or sluice.config.ts.'),
    )
  }
  return [...(await checkRedis(redisUrl, config)), ...(await checkProviders(config, line('doctor', '--call')))]
}

async function checkRedis(url: string | undefined, { allowWeakDurability, prefix }: Config): Promise<Check[]> {
  if (url === undefined) return [ok('Redis here', 'REDIS_URL is not set: `npx -y pnpm@12 start` starts its own Redis.')]
  const findings = await preflight(url, { prefix })
  if (findings.length === 0) return [ok('Redis here', 'It answers, and its settings are durable.')]
  const fix = 'Change redis.conf or REDIS_URL, then run doctor again.'
  return findings.map((finding) =>
    (isAccepted(finding, { allowWeakDurability }) ? warning : failed)('Redis here', finding.message, fix),
  )
}

/** `paidCheck`: the command that makes one paid call on each lane. */
async function checkProviders({ lanes, usesSimulator }: Config, paidCheck: string): Promise<Check[]> {
  if (usesSimulator) {
    const fix = 'For real answers, set OPENAI_API_KEY (or OPENAI_BASE_URL) and SLUICE_MODEL.'
    return [warning('Provider here', 'No provider is configured: the simulator answers, not a model.', fix)]
  }
  return Promise.all(Object.entries(lanes).map(([name, lane]) => checkProvider(name, lane, paidCheck)))
}

const modelList = z.object({ data: z.array(z.object({ id: z.string() })) })

/** Requests the list of models, which costs nothing. */
async function checkProvider(
  name: string,
  { baseUrl = 'https://api.openai.com/v1', apiKey, model }: Config['lanes'][string],
  paidCheck: string,
): Promise<Check> {
  const what = `Provider of lane ${name}`
  let response: Response
  try {
    response = await fetch(`${baseUrl.replace(/\/+$/, '')}/models`, {
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(answerWithinMs),
    })
  } catch (error) {
    const { cause, message } = error as Error
    const why = cause instanceof Error && cause.message !== '' ? cause.message : message
    return failed(
      what,
      `${baseUrl} cannot be reached: ${why}`,
      'Check OPENAI_BASE_URL (or the baseUrl of the lane) and the network.',
    )
  }
  if (response.status === 401 || response.status === 403) {
    return failed(
      what,
      `${baseUrl} rejects the key (${response.status}).`,
      'Set OPENAI_API_KEY (or the apiKey of the lane) to a valid key.',
    )
  }
  const listed = modelList.safeParse(await response.json().catch(() => undefined))
  if (!response.ok || !listed.success) {
    return warning(
      what,
      `${baseUrl} does not list its models (${response.status}).`,
      `To test it with one paid call: ${paidCheck}`,
    )
  }
  if (!listed.data.data.some(({ id }) => id === model)) {
    const some = listed.data.data.slice(0, 5).map(({ id }) => id)
    return failed(
      what,
      `${baseUrl} has no model '${model}'; it has ${some.join(', ')}${listed.data.data.length > some.length ? ', ...' : ''}.`,
      'Correct SLUICE_MODEL, or the model of the lane.',
    )
  }
  return ok(what, `${baseUrl} accepts the key and has ${model}.`)
}
