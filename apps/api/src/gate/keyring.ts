import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** A key that cannot be guessed: shorter ones are let in only by SLUICE_ALLOW_WEAK_KEYS. */
const strongKeyLength = 16

export interface KnownKey {
  /** Names the key to this process only, never to a client. */
  readonly id: string
  readonly strong: boolean
}

/** The API keys, and the sessions of browsers that have shown one. */
export interface Keyring {
  find(key: string): KnownKey | undefined
  /** What a browser is given for a key: signed, and good for `sessionMs`. */
  issue(key: string, nowMs?: number): string
  /** The key that a session was issued for; undefined where it is forged, too old, or its key was removed. */
  verify(session: string, nowMs?: number): KnownKey | undefined
}

/**
 * A session is `<unix ms of its end>.<random>.<HMAC>`, signed with a secret derived from the API key itself: all API processes with
 * the same keys accept it, nothing is stored, and it ends when its key is removed.
 */
export function createKeyring(apiKeys: readonly string[], { sessionMs }: { sessionMs: number }): Keyring {
  const known = apiKeys.map((key, index) => ({
    id: `key-${index}`,
    strong: key.length >= strongKeyLength,
    digest: digest(key),
    secret: Buffer.from(hkdfSync('sha256', key, 'sluice', 'browser session 1', 32)),
  }))

  return {
    find(key) {
      const hashed = digest(key)
      // Every key is compared, in the same time whether it fits or not.
      return known.filter((one) => timingSafeEqual(one.digest, hashed))[0]
    },
    issue(key, nowMs = Date.now()) {
      const hashed = digest(key)
      const one = known.find((it) => timingSafeEqual(it.digest, hashed))
      if (one === undefined) throw new Error('A session is issued for a known key only.')
      const content = `${nowMs + sessionMs}.${randomBytes(12).toString('base64url')}`
      return `${content}.${sign(content, one.secret)}`
    },
    verify(session, nowMs = Date.now()) {
      const [end = '', random = '', signature = '', ...more] = session.split('.')
      if (more.length > 0 || !/^\d{1,15}$/.test(end) || Number(end) < nowMs || session.length > 256) return undefined
      return known.filter(({ secret }) => isEqual(sign(`${end}.${random}`, secret), signature))[0]
    },
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function sign(content: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(content).digest('base64url')
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}
