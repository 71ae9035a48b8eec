import { Counter, Gauge, Registry } from 'prom-client'
import type { Gate } from './gate.ts'

/** What this process has refused and holds open, in Prometheus' text form. Not shared: each API process reports its own. */
export async function formatGateMetrics({ wrongKeys, requests, streams, memory }: Gate): Promise<string> {
  const registry = new Registry()
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `sluice_api_${name}`, help, registers: [registry] }).set(value)
  const keys = new Counter({
    name: 'sluice_api_wrong_keys_total',
    help: 'Requests with a wrong API key: rejected, or made to wait because their address sent too many.',
    labelNames: ['answer'],
    registers: [registry],
  })
  keys.inc({ answer: 'invalid' }, wrongKeys.total)
  keys.inc({ answer: 'wait' }, wrongKeys.refused)
  gauge('requests_open', 'Requests in progress.', requests.count)
  gauge('streams_open', 'Results and events that are followed, and uploads.', streams.count)
  gauge('body_memory_bytes', 'Memory that the bodies of all requests are counted with.', memory.usedBytes)
  return registry.metrics()
}
