import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Resolves to undefined when a server could listen there now, else to the error's code, such as `EADDRINUSE`. */
export async function whyNotFree(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    server.close()
  }
}

/** A port of 127.0.0.1 that nothing listens on now. Another program may still take it before it is used. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
