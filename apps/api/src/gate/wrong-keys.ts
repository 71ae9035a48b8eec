import { SluiceError } from '@sluice/contract/error'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { limits } from './limits.ts'

export interface WrongKeys {
  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string): number
  /** One more wrong key of an address; logs the first ones and each wait. */
  add(address: string): void
  /** For an address that has to wait. */
  refusal(address: string): SluiceError
  readonly total: number
  readonly refused: number
}

interface Attempts {
  count: number
  windowEndsMs: number
  waits: number
  blockedUntilMs: number
}

/** Counts wrong keys by address. After a few of them the address has to wait, twice as long each time; keys that are right are let in meanwhile. */
export function createWrongKeys(log: Logger, now: () => number = Date.now): WrongKeys {
  const attempts = new LRUCache<string, Attempts>({ max: limits.addresses })
  let total = 0
  let refused = 0

  return {
    get total() {
      return total
    },
    get refused() {
      return refused
    },
    waitMs: (address) => Math.max(0, (attempts.get(networkOf(address))?.blockedUntilMs ?? 0) - now()),

    add(address) {
      total += 1
      const network = networkOf(address)
      const one = attempts.get(network) ?? { count: 0, windowEndsMs: 0, waits: 0, blockedUntilMs: 0 }
      if (now() > one.windowEndsMs) {
        one.count = 0
        // The waits are forgotten only when the address was quiet for as long as the longest one.
        if (now() > one.windowEndsMs + limits.wrongKeysMostWaitMs) one.waits = 0
      }
      one.count += 1
      one.windowEndsMs = now() + limits.wrongKeysWindowMs
      if (one.count >= limits.wrongKeys) {
        const waitMs = Math.min(limits.wrongKeysMostWaitMs, limits.wrongKeysFirstWaitMs * 2 ** one.waits)
        one.waits += 1
        one.blockedUntilMs = now() + waitMs
        log.warn({ address, wrong_keys: one.count, wait_s: waitMs / 1_000 }, 'too many wrong API keys')
      } else if (one.count === 1) log.warn({ address }, 'wrong API key')
      attempts.set(network, one)
    },

    refusal(address) {
      refused += 1
      const waitS = Math.ceil(Math.max(1_000, this.waitMs(address)) / 1_000)
      return new SluiceError(
        'authentication_error',
        'too_many_wrong_keys',
        `Too many wrong API keys came from this address: try again in ${waitS} s.`,
        { retryAfterS: waitS },
      )
    },
  }
}

/** One host has a whole /64 of IPv6 addresses. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail = ''] = address.split('::')
  const first = head.split(':').filter(Boolean)
  const last = tail.split(':').filter(Boolean)
  const groups = address.includes('::')
    ? [...first, ...Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0'), ...last]
    : first
  return `${groups.slice(0, 4).join(':')}::/64`
}
