import type { Redis } from 'ioredis'
import { primaries } from './connect.ts'

/** `limitBytes` is 0 without `maxmemory`. */
export interface MemoryUse {
  readonly usedBytes: number
  readonly limitBytes: number
}

export interface RedisMemory {
  /** Of a cluster, the fullest node: the node of a batch is not known before it is created. */
  read(): Promise<MemoryUse>
  /** Between 0 and 1, or a little more; 0 without `maxmemory`. At most `freshMs` old. */
  fraction(): Promise<number>
}

export interface RedisMemoryDependencies {
  readonly redis: Redis
  /** `INFO memory` costs Redis about 50 us. */
  readonly freshMs: number
}

export function createRedisMemory({ redis, freshMs }: RedisMemoryDependencies): RedisMemory {
  let seen: { readonly at: number; readonly fraction: number } | undefined
  const read = async () => {
    const nodes = await Promise.all(primaries(redis).map(readNode))
    return (
      nodes.toSorted((a, b) => full(b) - full(a) || b.usedBytes - a.usedBytes)[0] ?? { usedBytes: 0, limitBytes: 0 }
    )
  }
  return {
    read,
    async fraction() {
      const now = performance.now()
      if (seen === undefined || now - seen.at > freshMs) seen = { at: now, fraction: full(await read()) }
      return seen.fraction
    },
  }
}

async function readNode(node: Redis): Promise<MemoryUse> {
  const info = await node.info('memory')
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  return { usedBytes: field('used_memory'), limitBytes: field('maxmemory') }
}

function full({ usedBytes, limitBytes }: MemoryUse): number {
  return limitBytes === 0 ? 0 : usedBytes / limitBytes
}
