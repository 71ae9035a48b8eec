import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Resolves to undefined if a server could listen there now, otherwise to the error code, such as `EADDRINUSE`. */
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

/** A port of 127.0.0.1 that is free now. Another program may take it before it is used. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
