import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

// The attacker, in a separate process: for each number that it reads, it requests so many streams and never reads them.
const [url = '', authorization = '', ...paths] = process.argv.slice(2)
const { hostname, port } = new URL(url)
let opened = 0

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  await Promise.all(Array.from({ length: Number(line) }, follow))
  console.log(`opened ${opened}`)
}
process.exit(0)

async function follow(): Promise<void> {
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  await once(socket, 'connect')
  const path = paths[opened % paths.length]
  opened += 1
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${authorization}\r\n\r\n`)
}
