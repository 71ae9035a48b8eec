import type { Redis } from 'ioredis'
import { loadScript } from '../redis/script.ts'

const script = loadScript(new URL('held-until.lua', import.meta.url))

/** Until when the lane sends no calls (unix ms); null: it is not held. Changes nothing. */
export async function readHeldUntil(redis: Redis, keys: { readonly quota: string }): Promise<number | null> {
  const until = (await script(redis, keys)) as string
  return until === '' ? null : Number(until)
}
