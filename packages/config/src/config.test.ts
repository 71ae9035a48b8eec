import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { ConfigError } from './config-error.ts'

// Inside the package, so that the test files resolve zod and @sluice/config like a file in the repository.
const here = import.meta.dirname
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(here, 'config-file-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

const env = { REDIS_URL: 'redis://127.0.0.1:6379', OPENAI_BASE_URL: 'http://127.0.0.1:8000/v1', SLUICE_MODEL: 'm' }

async function refusal(variables: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const error: unknown = await readConfig(variables, directory).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${String(error)}`)
  return error.lines
}

const strong = 'a-key-of-24-characters-1'

describe('the environment', () => {
  it('defines the default lane and the documented defaults', async () => {
    const config = await readConfig({ ...env, SLUICE_RPM: '600' }, directory)
    expect(config).toMatchObject({
      redisUrl: 'redis://127.0.0.1:6379',
      prefix: 'sluice',
      allowWeakDurability: false,
      logLevel: 'info',
      api: { host: '127.0.0.1', port: 3000, apiKeys: [], bodyLimitBytes: 32 * 1024 * 1024, queuesReadOnly: true },
      worker: { concurrency: 100, graceMs: 8_000, retentionMs: null },
      lanes: {
        default: { baseUrl: 'http://127.0.0.1:8000/v1', model: 'm', rpm: 600, structuredOutput: 'json_schema' },
      },
      extractors: [],
    })
  })

  it('rejects two limits of one kind and period, and accepts those that differ', async () => {
    const lane = (limits: string) =>
      `export default { lanes: { default: { model: 'm', rpm: 600, limits: [${limits}] } } }`
    await writeFile(join(directory, 'sluice.config.ts'), lane('{ requests: 10, perS: 60 }'))
    expect(await refusal(env)).toEqual([expect.stringMatching(/lanes\.default\.limits.*another limit of this kind/)])
    await writeFile(join(directory, 'other.ts'), lane('{ requests: 10, perS: 1 }, { tokens: 5_000, perS: 60 }'))
    const { lanes } = await readConfig({ ...env, SLUICE_CONFIG: join(directory, 'other.ts') }, directory)
    expect(lanes['default']?.limits).toHaveLength(2)
  })

  it('treats an empty variable as not set', async () => {
    const config = await readConfig({ ...env, PORT: '', SLUICE_API_KEYS: '', OPENAI_API_KEY: '' }, directory)
    expect(config.api).toMatchObject({ port: 3000, apiKeys: [] })
    expect(config.lanes['default']?.apiKey).toBeUndefined()
  })

  it('rejects each wrong variable in a separate line, and prints no secret', async () => {
    const lines = await refusal({
      ...env,
      PORT: 'http',
      SLUICE_CONCURRENCY: '0',
      SLUICE_GRACE_S: '-1',
      SLUICE_QUEUES_READONLY: 'maybe',
      SLUICE_LOG_LEVEL: 'loud',
      REDIS_URL: 'http://user:hunter2@example.com',
    })
    expect(lines).toHaveLength(6)
    for (const name of [
      'PORT',
      'SLUICE_CONCURRENCY',
      'SLUICE_GRACE_S',
      'SLUICE_QUEUES_READONLY',
      'SLUICE_LOG_LEVEL',
      'REDIS_URL',
    ]) {
      expect(lines.filter((line) => line.startsWith(`${name} must be `))).toHaveLength(1)
    }
    expect(lines.join('\n')).not.toContain('hunter2')
  })

  it.each([
    ['no Redis', { ...env, REDIS_URL: undefined }, /^REDIS_URL is not set/],
    ['no provider', { REDIS_URL: env.REDIS_URL }, /^No provider is configured/],
    ['a provider without a model', { ...env, SLUICE_MODEL: undefined }, /^SLUICE_MODEL is not set/],
    ['a public address without keys', { ...env, HOST: '0.0.0.0' }, /^HOST is 0\.0\.0\.0.*SLUICE_API_KEYS/],
    ['an empty list of keys', { ...env, SLUICE_API_KEYS: ' , ' }, /^SLUICE_API_KEYS contains no key/],
    ['a file that does not exist', { ...env, SLUICE_CONFIG: 'missing.ts' }, /^SLUICE_CONFIG is missing\.ts, but/],
  ])('rejects %s', async (_, variables, line) => {
    expect(await refusal(variables)).toEqual([expect.stringMatching(line)])
  })

  it('uses the simulator, and says so, only if no provider is configured', async () => {
    const simulator = { REDIS_URL: env.REDIS_URL, SLUICE_SIMULATOR_URL: 'http://127.0.0.1:4010/v1' }
    const without = await readConfig({ ...simulator, SLUICE_MODEL: 'm' }, directory)
    expect(without).toMatchObject({
      usesSimulator: true,
      lanes: { default: { baseUrl: 'http://127.0.0.1:4010/v1', model: 'simulator' } },
    })
    const withProvider = await readConfig({ ...simulator, ...env }, directory)
    expect(withProvider).toMatchObject({ usesSimulator: false, lanes: { default: { baseUrl: env.OPENAI_BASE_URL } } })
    expect(await refusal({ ...simulator, OPENAI_API_KEY: 'key' })).toEqual([expect.stringMatching(/^SLUICE_MODEL/)])
  })

  it('accepts a public address if there are keys', async () => {
    const config = await readConfig({ ...env, HOST: '0.0.0.0', SLUICE_API_KEYS: `${strong}, ${strong}2` }, directory)
    expect(config.api).toMatchObject({ host: '0.0.0.0', apiKeys: [strong, `${strong}2`], weakKeys: null })
  })

  it('rejects keys that can be guessed, without quoting them, unless that risk is accepted', async () => {
    const weak = { ...env, SLUICE_API_KEYS: `${strong},changeme` }
    expect(await refusal(weak)).toEqual([expect.stringMatching(/^SLUICE_API_KEYS: key 2 of 2 .*16 characters/)])
    expect(String(await refusal(weak))).not.toContain('changeme')
    const { api } = await readConfig({ ...weak, SLUICE_ALLOW_WEAK_KEYS: 'true' }, directory)
    expect(api.weakKeys).toMatch(/key 2 of 2 .*can be guessed/)
  })

  it('accepts proxies as a number or as addresses, and nothing else', async () => {
    const trusted = async (text: string) =>
      (await readConfig({ ...env, SLUICE_TRUST_PROXY: text }, directory)).api.trustProxy
    expect(await trusted('1')).toBe(1)
    expect(await trusted('loopback, 10.0.0.0/8')).toEqual(['loopback', '10.0.0.0/8'])
    expect(await refusal({ ...env, SLUICE_TRUST_PROXY: 'true' })).toEqual([
      expect.stringMatching(/^SLUICE_TRUST_PROXY/),
    ])
  })
})

describe('sluice.config.ts', () => {
  async function write(text: string): Promise<void> {
    await writeFile(join(directory, 'sluice.config.ts'), text)
  }

  it('adds lanes and extractors, and its lane `default` replaces the one from the environment', async () => {
    await write(`
      import { z } from 'zod'
      import { defineConfig } from '../define-config.ts'
      export default defineConfig({
        lanes: { default: { model: 'from-file' }, fast: { model: 'small', rpm: 10 } },
        extractors: [{ name: 'person', lane: 'fast', instructions: 'Who?', schema: z.object({ name: z.string() }) }],
      })`)
    const config = await readConfig(env, directory)
    expect(Object.keys(config.lanes)).toEqual(['default', 'fast'])
    expect(config.lanes['default']?.model).toBe('from-file')
    expect(config.extractors.map(({ definition }) => definition)).toEqual([
      expect.objectContaining({ name: 'person', lane: 'fast', instructions: 'Who?', reasks: 2, parameters: {} }),
    ])
  })

  it('needs no provider in the environment if it has lanes, and accepts a key that is set for them', async () => {
    await write(`export default { lanes: { fast: { model: 'small' } } }`)
    const config = await readConfig({ REDIS_URL: env.REDIS_URL, OPENAI_API_KEY: 'key' }, directory)
    expect(Object.keys(config.lanes)).toEqual(['fast'])
  })

  it.each([
    [
      'a missing package',
      `import 'no-such-package'`,
      /^sluice\.config\.ts: .*no-such-package.*keep the file in the repository/,
    ],
    [
      'no default export',
      'export const lanes = {}',
      /^sluice\.config\.ts: the default export is missing: export default defineConfig/,
    ],
    [
      'an incomplete lane',
      `export default { lanes: { fast: { rpm: 3 } } }`,
      /^sluice\.config\.ts: lanes\.fast\.model: /,
    ],
    ['an unknown field', `export default { lane: {} }`, /^sluice\.config\.ts: Unrecognized key: "lane"/],
    [
      'a schema that is not from zod',
      `export default { extractors: [{ name: 'p', schema: { type: 'object' } }] }`,
      /^sluice\.config\.ts: extractors\[0\]\.schema: must be a zod 4 schema/,
    ],
    [
      'a schema that no model can answer',
      `import { z } from 'zod'\nexport default { extractors: [{ name: 'p', schema: z.object({ born: z.date() }) }] }`,
      /^sluice\.config\.ts: line 2: extractor 'p': #\/properties\/born: Date cannot be represented/,
    ],
    [
      'two extractors with one name',
      `import { z } from 'zod'\nconst p = { name: 'p', schema: z.object({}) }\nexport default { extractors: [p, p] }`,
      /^sluice\.config\.ts: there are two extractors 'p'/,
    ],
    [
      'an extractor on a missing lane',
      `import { z } from 'zod'\nexport default { extractors: [{ name: 'p', lane: 'gone', schema: z.object({}) }] }`,
      /^extractor 'p': there is no lane 'gone'; the lanes are default/,
    ],
  ])('rejects %s in one line', async (_, text, line) => {
    await write(text)
    expect(await refusal(env)).toEqual([expect.stringMatching(line)])
  })

  // Run by Node itself: the test runner loads modules differently, with other errors.
  it.each([
    ['a syntax error', 'export default {\n  lanes: {{\n}', /^sluice\.config\.ts: line 2: Unexpected token/],
    [
      'an exception',
      `\nthrow new Error('no such file: prices.json')`,
      /^sluice\.config\.ts: line 2: no such file: prices\.json$/,
    ],
    [
      'an enum',
      'enum Model { Small }\nexport default {}',
      /^sluice\.config\.ts: line 1: TypeScript enum is not supported/,
    ],
  ])('reports the line of %s', async (_, text, line) => {
    await write(text)
    const program = `
      const { readConfig } = await import(${JSON.stringify(pathToFileURL(join(here, 'config.ts')).href)})
      await readConfig().catch((error) => console.log(error.message))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: directory,
      env,
    })
    expect(stdout.trimEnd()).toMatch(line)
    expect(stdout.trimEnd()).not.toContain('\n')
  })
})
