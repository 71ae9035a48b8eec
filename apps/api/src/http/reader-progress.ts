import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/** Linux writes what each connection has sent and its reader has not taken into these files; they are kept for so long, for all readers. */
const tables = ['/proc/net/tcp', '/proc/net/tcp6']
const keptMs = 500

let kept: { readonly atMs: number; readonly rows: Promise<ReadonlyMap<string, number>> } | undefined

/**
 * Bytes on their way to a reader, in the buffers of the two machines. The event `drain` is too coarse: Linux reports room only when a third of
 * a buffer of up to 4 MB is free, so a reader of 10 KB/s looks for minutes as if it took nothing. Null where the system does not say.
 */
export async function bytesOnTheWay({ localPort, remotePort }: Socket): Promise<number | null> {
  const nowMs = performance.now()
  if (kept === undefined || nowMs - kept.atMs > keptMs) kept = { atMs: nowMs, rows: readTables() }
  const rows = await kept.rows
  return rows.get(`${hex(localPort)}:${hex(remotePort)}`) ?? null
}

/** By local and remote port. Two machines that use the same remote port count as one, which keeps either at most as long as the other. */
async function readTables(): Promise<Map<string, number>> {
  const rows = new Map<string, number>()
  for (const table of tables) {
    const text = await readFile(table, 'utf8').catch(() => '')
    for (const [, local = '', remote = '', queued = ''] of text.matchAll(row)) {
      const ports = `${local}:${remote}`
      rows.set(ports, (rows.get(ports) ?? 0) + Number.parseInt(queued, 16))
    }
  }
  return rows
}

const row = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/gm

function hex(port: number | undefined): string {
  return (port ?? 0).toString(16).toUpperCase().padStart(4, '0')
}
