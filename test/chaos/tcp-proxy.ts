import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createWriteReplacer } from './replace-writes.ts'

export interface Target {
  readonly host: string
  readonly port: number
}

/** A proxy between the processes and their Redis that can cut and delay connections, refuse writes, be silent, and lead elsewhere. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Closes every connection. */
  cut(): void
  /** Delays everything that arrives from now on by `ms`; 0: no delay. */
  delay(ms: number): void
  /** Redis answers each write with this error; null: it takes them. Only for a proxy that `speaksRedis`. */
  refuseWrites(error: string | null): void
  /** Accepts connections and keeps the open ones, and passes nothing on: a host whose network is gone. */
  goSilent(): void
  /** New connections lead there. Silent connections stay open and silent. */
  pointTo(target: Target): void
  /** After `goSilent`: new connections pass again, silent ones stay silent. */
  goOn(): void
}

export async function startTcpProxy(
  first: Target,
  { speaksRedis = false }: { speaksRedis?: boolean } = {},
): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let delayMs = 0
  let target = first
  let silent = false
  let writeError: string | null = null
  const silentSockets = new WeakSet<Socket>()
  const pass = (from: Socket, to: Socket, change = (chunk: Buffer) => chunk) => {
    let passed: Promise<void> = Promise.resolve()
    const after = async (before: Promise<void>, chunk: Buffer, atMs: number) => {
      await before
      const ms = atMs - performance.now()
      if (ms > 0) await sleep(ms)
      if (!to.destroyed) to.write(chunk)
    }
    // Keeps the order even if the delay changes in between.
    from.on('data', (chunk: Buffer) => {
      if (silentSockets.has(from)) return
      const changed = change(chunk)
      if (changed.length > 0) passed = after(passed, changed, performance.now() + delayMs)
    })
    from.on('close', () => to.destroy())
    from.on('error', () => to.destroy())
  }
  const server = createServer((client) => {
    if (silent) {
      sockets.add(client)
      client.on('close', () => sockets.delete(client)).on('error', () => client.destroy())
      client.resume()
      return
    }
    const upstream = connect(target)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('close', () => sockets.delete(socket))
    }
    const replacer = speaksRedis ? createWriteReplacer() : null
    pass(client, upstream, replacer === null ? undefined : (chunk) => replacer.take(chunk, writeError))
    pass(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    delay(ms) {
      delayMs = ms
    },
    refuseWrites(error) {
      writeError = error
    },
    goSilent() {
      silent = true
      for (const socket of sockets) silentSockets.add(socket)
    },
    goOn() {
      silent = false
    },
    pointTo(next) {
      target = next
      silent = false
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
