/** Replaces configured secrets in texts and values. */
export interface Redactor {
  /** The text with each secret replaced. */
  readonly text: (text: string) => string
  /** The same for all texts in a value, names of members included; a value without secrets is returned unchanged. */
  readonly value: <T>(value: T) => T
}

/** Shorter secrets would occur by chance in unrelated texts. */
const shortest = 8
const replacement = '[redacted]'

/**
 * Removes configured secrets from what comes from outside, before it is stored, logged or shown: providers echo keys in their error
 * messages. Each secret is also found as it is written in JSON, in a URL, and in base64.
 * `known`: public words, such as the name of a model; a placeholder key that equals one of them is no secret.
 */
export function createRedactor(secrets: readonly (string | undefined)[], known: readonly string[] = []): Redactor {
  const forms = secrets
    .filter((secret) => secret !== undefined)
    .filter((secret) => secret.length >= shortest && !known.includes(secret))
    .flatMap(formsOf)
  const unique = [...new Set(forms)].toSorted((a, b) => b.length - a.length)
  if (unique.length === 0) return { text: (text) => text, value: (value) => value }
  const pattern = new RegExp(unique.map((form) => escapePattern(form)).join('|'), 'g')
  const text = (from: string) => from.replaceAll(pattern, replacement)

  function value<T>(from: T): T {
    // A search is far cheaper than a copy, and nearly no value contains a secret.
    if (typeof from === 'string') return text(from) as T
    if (from === null || typeof from !== 'object') return from
    return contains(from, pattern) ? (copy(from) as T) : from
  }

  function copy(from: unknown): unknown {
    if (typeof from === 'string') return text(from)
    if (Array.isArray(from)) return from.map(copy)
    if (from === null || typeof from !== 'object') return from
    return Object.fromEntries(Object.entries(from).map(([key, inner]) => [text(key), copy(inner)]))
  }

  return { text, value }
}

/** Without recursion: the value may be nested deeper than the stack. */
function contains(value: object, pattern: RegExp): boolean {
  const found = (text: string) => {
    pattern.lastIndex = 0
    return pattern.test(text)
  }
  const open: unknown[] = [value]
  while (open.length > 0) {
    const one = open.pop()
    if (typeof one === 'string' && found(one)) return true
    if (one === null || typeof one !== 'object') continue
    for (const [key, inner] of Object.entries(one)) {
      if (found(key)) return true
      open.push(inner)
    }
  }
  return false
}

function formsOf(secret: string): string[] {
  const base64 = encodeBase64(secret)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    base64,
    base64.replace(/=+$/, ''),
    base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
  ]
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
}

function encodeBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
