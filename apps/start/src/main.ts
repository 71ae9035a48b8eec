import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient } from '@sluice/client'
import { createScreen, type Screen } from '@sluice/terminal/screen'
import { findRedis } from '@sluice/local/redis/find-redis'
import { requireUsable, startKeptRedis } from '@sluice/local/redis/kept-redis'
import { lockStart } from '@sluice/local/processes/start-lock'
import { whyNotFree } from '@sluice/local/processes/ports'
import { startApi, startSimulator, startWorker, type Surroundings } from '@sluice/local/apps'
import { isWatchedSample, mayCostMoney, runSamples, showUnfinished, startWatchedSample } from './sample/run-samples.ts'
import { readSettings, type Settings } from '@sluice/local/settings'
import { StartError } from '@sluice/local/start-error'
import { listenForStop, type StopSignals } from '@sluice/local/stop-signals'
import { showAddresses, showPage } from './show-addresses.ts'

// `pnpm start`: everything on this machine, without any preparation. Problems are reported before anything is started, if possible.
process.chdir(resolve(import.meta.dirname, '../../..'))
// A variable that is set already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env')
// Relative, because the path of the socket in this directory may have at most about 100 characters.
const dataDirectory = relative('.', process.env['SLUICE_DATA_DIR'] || '.sluice') || '.'
const screen = createScreen(process.stdout, process.env['TERM'])
// Started by a command that needs a server: it shows no samples, and keeps running when the command's package manager ends.
const isBackground = parseArgs({ options: { background: { type: 'boolean' } } }).values.background === true

async function start(signals: StopSignals): Promise<void> {
  const settings = await readSettings(process.env)
  await requireFreePort(settings)
  await mkdir(`${dataDirectory}/logs`, { recursive: true })
  await using stack = new AsyncDisposableStack()
  stack.use(await lockStart(`${dataDirectory}/start.sock`))

  const { stop: signal, hurry } = signals
  const surroundings: Surroundings = { logs: `${dataDirectory}/logs`, say: screen.say, signal, hurry }
  const source = await findRedis({ url: settings.redisUrl, directory: dataDirectory, say: screen.say })
  signal.throwIfAborted()
  const services: { readonly givenUp: Promise<string> }[] = []
  const env: NodeJS.ProcessEnv = { ...process.env }
  if (source.type === 'url') {
    env['REDIS_URL'] = source.url
    await requireUsable(source.url, settings.config, screen.say)
  } else {
    screen.say(`Starting Redis (${source.label}), data in ${dataDirectory}/redis...`)
    const redis = stack.use(await startKeptRedis(source, `${dataDirectory}/redis`, surroundings))
    services.push(redis)
    env['REDIS_URL'] = redis.url
  }
  if (settings.config.usesSimulator) {
    screen.say('Starting the simulator...')
    const simulator = stack.use(await startSimulator(surroundings))
    services.push(simulator)
    env['SLUICE_SIMULATOR_URL'] = simulator.baseUrl
  }
  screen.say('Starting worker and API...')
  services.push(stack.use(await startWorker(env, settings.config, surroundings)))
  services.push(stack.use(await startApi(env, settings.config, surroundings)))
  if (settings.config.usesSimulator) reportSimulator()

  const gaveUp = Promise.race(services.map(({ givenUp }) => givenUp)).then((reason) =>
    Promise.reject(new StartError(reason)),
  )
  const over = new AbortController()
  stack.defer(() => over.abort())
  const redis = source.type === 'url' ? source.label : `${env['REDIS_URL']} (${source.label})`
  await Promise.race([showWork(settings, redis, AbortSignal.any([signal, over.signal])), gaveUp])
  await Promise.race([aborted(signal), gaveUp])
}

/** First the page; then the samples, or the batches that an earlier start left unfinished; then all addresses. */
async function showWork(settings: Settings, redis: string, signal: AbortSignal): Promise<void> {
  const {
    api: { host, port, apiKeys },
    lanes,
  } = settings.config
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const sluice = createClient({ baseUrl: url, apiKey: apiKeys[0] })
  const lane = lanes['default'] === undefined ? Object.keys(lanes)[0]! : 'default'
  showPage(screen, url)

  const page = { limit: 100 }
  const running = await sluice.batches({ ...page, status: 'in_progress' })
  const cancelling = await sluice.batches({ ...page, status: 'cancelling' })
  const unfinished = [...running.data, ...cancelling.data].filter((batch) => !isWatchedSample(batch))
  if (unfinished.length > 0) {
    await showUnfinished(sluice, screen, { unfinished, signal })
  } else if (!isBackground && (await sluice.batches({ limit: 1 })).data.length === 0) {
    const provider = lanes[lane]?.baseUrl ?? 'api.openai.com'
    if (settings.config.usesSimulator) await startWatchedSample(sluice, { lane, signal })
    if (settings.config.usesSimulator || (await mayCostMoney(screen, provider, signal)))
      await runSamples(sluice, screen, { url, lane, signal })
  }
  showAddresses(screen, { url, needsKey: apiKeys.length > 0, lane, redis, logs: `${dataDirectory}/logs` })
}

async function requireFreePort({
  config: {
    api: { host, port },
  },
}: Settings): Promise<void> {
  const code = await whyNotFree(host, port)
  if (code === undefined) return
  const why = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${code})`
  throw new StartError(`Port ${port} on ${host} ${why}. Choose another one: PORT=${port + 1} npx -y pnpm@12 start`)
}

function reportSimulator(): void {
  screen.say('')
  screen.say(
    screen.bold('No provider is configured, so answers come from the built-in simulator: simple rules, not a model. ') +
      'For real answers set OPENAI_API_KEY (or OPENAI_BASE_URL) and SLUICE_MODEL.',
  )
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function reportStep(screen: Screen): (step: 'stop' | 'hurry') => void {
  return (step) => {
    screen.status(null)
    screen.say(step === 'stop' ? 'Stopping (Ctrl-C again: at once)...' : 'Stopping at once...')
  }
}

using signals = listenForStop(reportStep(screen), isBackground ? 'signals' : 'signals and package manager')
try {
  await start(signals)
} catch (error) {
  screen.status(null)
  if (error instanceof StartError) console.error(error.message)
  else if (!signals.stop.aborted) console.error(error)
  if (!signals.stop.aborted) process.exitCode = 1
}
if (signals.stop.aborted) screen.say('Stopped.')
