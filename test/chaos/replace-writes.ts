/**
 * Writes that Redis is to refuse. Each is replaced by a script that returns the error, so Redis itself keeps the order of replies. Not
 * MULTI and EXEC: what is between them is replaced.
 */
const writes = new Set([
  'EVALSHA',
  'EVAL',
  'SET',
  'HSET',
  'ZADD',
  'SADD',
  'XADD',
  'HINCRBY',
  'PEXPIRE',
  'ZREM',
  'SREM',
  'HDEL',
])

/** Error replies of a Redis that takes no writes, as Redis words them. */
export const refusals = [
  "OOM command not allowed when used memory > 'maxmemory'.",
  'MISCONF Errors writing to the AOF file: No space left on device',
  "READONLY You can't write against a read only replica.",
  'NOREPLICAS Not enough good replicas to write.',
  'LOADING Redis is loading the dataset in memory',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
] as const

/** Follows the commands of one client (RESP arrays), which chunks cut anywhere, and replaces writes while an error is set. */
export interface WriteReplacer {
  /** Returns what is to be sent to Redis now. A command that is not complete is kept for the next chunk. */
  take(chunk: Buffer, error: string | null): Buffer
}

export function createWriteReplacer(): WriteReplacer {
  let rest: Buffer = Buffer.alloc(0)
  return {
    take(chunk, error) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const parts: Buffer[] = []
      let at = 0
      for (;;) {
        const command = readCommand(data, at)
        if (command === null) break
        const isRefused = error !== null && writes.has(command.name)
        parts.push(isRefused ? errorScript(error) : data.subarray(at, command.end))
        at = command.end
      }
      rest = data.subarray(at)
      return Buffer.concat(parts)
    },
  }
}

/** The command that begins at `from`, or null while it is not complete. */
function readCommand(data: Buffer, from: number): { readonly name: string; readonly end: number } | null {
  const count = readHeader(data, from)
  if (count === null) return null
  let at = count.end
  let name = ''
  for (let i = 0; i < count.value; i += 1) {
    const length = readHeader(data, at)
    if (length === null) return null
    const end = length.end + length.value + 2
    if (end > data.length) return null
    if (i === 0) name = data.toString('latin1', length.end, length.end + length.value).toUpperCase()
    at = end
  }
  return { name, end: at }
}

/** A line such as `*3` or `$12`. */
function readHeader(data: Buffer, from: number): { readonly value: number; readonly end: number } | null {
  const end = data.indexOf('\r\n', from)
  return end < 0 ? null : { value: Number(data.toString('latin1', from + 1, end)), end: end + 2 }
}

function errorScript(error: string): Buffer {
  const parts = ['EVAL', 'return redis.error_reply(ARGV[1])', '0', error]
  return Buffer.from(
    `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`,
  )
}
