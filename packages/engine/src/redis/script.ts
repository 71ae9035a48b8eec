import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

export type LuaReply = string | number | null | LuaReply[]
export type Script = (
  redis: Redis,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
) => Promise<LuaReply>

/**
 * An atomic step: one `.lua` file, run by its hash. A line `-- include: name.lua` takes in a file of the same folder.
 * `url` is of the file, as `new URL('./record.lua', import.meta.url)`.
 */
export function loadScript(url: URL): Script {
  const source = readFileSync(url, 'utf8').replace(/^-- include: (\S+)$/gm, (_, name: string) =>
    readFileSync(new URL(name, url), 'utf8'),
  )
  const sha = createHash('sha1').update(source).digest('hex')
  return async (redis, keys, args) => {
    try {
      return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as LuaReply
    } catch (error) {
      // Not loaded yet, or Redis was restarted since.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return (await redis.eval(source, keys.length, ...keys, ...args)) as LuaReply
    }
  }
}
