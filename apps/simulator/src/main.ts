import { readSimulatorConfig } from './config.ts'
import { startSimulator } from './simulator.ts'

const config = orRefuse(readSimulatorConfig)
const simulator = await startSimulator(config).catch((error: NodeJS.ErrnoException) =>
  refuse(
    error.code === 'EADDRINUSE'
      ? `port ${config.port} is in use: set SIMULATOR_PORT to another one`
      : `cannot listen on ${config.host}:${config.port}: ${error.message}`,
  ),
)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    void simulator.stop().then(() => process.exit(0))
  })
}

// Printed last, because a program that reads this line may send a signal at once.
const limits = [
  config.rpm === null ? 'no request limit' : `${config.rpm} requests a minute`,
  config.tpm === null ? 'no token limit' : `${config.tpm} tokens a minute`,
]
console.log(
  `simulator ready on ${simulator.url}/v1 (${config.models.join(', ')}; ${config.latencyMs} ms; ${limits.join(', ')})`,
)

function orRefuse<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function refuse(message: string): never {
  console.error(`sluice: ${message}`)
  process.exit(1)
}
