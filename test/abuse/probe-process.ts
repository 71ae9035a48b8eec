import { Agent, request } from 'node:http'

// A client in a separate process: it requests /healthz every few milliseconds until its input ends, then prints what it measured.
// In the process of the attack it would measure that process's event loop.
const [url = ''] = process.argv.slice(2)
const everyMs = 10
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const times: number[] = []
let failed = 0
const input = process.stdin.resume()

console.log('ready')
while (!input.readableEnded) {
  const began = performance.now()
  if (await ask()) times.push(performance.now() - began)
  else failed += 1
  await new Promise((resolve) => setTimeout(resolve, everyMs))
}
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
console.log(
  JSON.stringify({ count: times.length, failed, p50: at(0.5), p99: at(0.99), max: times.at(-1) ?? Number.NaN }),
)
process.exit(0)

function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    request(`${url}/healthz`, { agent, timeout: 30_000 }, (res) => {
      res.resume()
      res.on('end', () => resolve(res.statusCode === 200))
    })
      .on('error', () => resolve(false))
      .on('timeout', () => resolve(false))
      .end()
  })
}
