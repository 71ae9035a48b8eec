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
 * messages. A secret is also found where its characters are escaped, as in JSON, URLs and HTML, and inside base64.
 * `known`: public words, such as the name of a model; a placeholder key that equals one of them is no secret.
 */
export function createRedactor(secrets: readonly (string | undefined)[], known: readonly string[] = []): Redactor {
  const sought = secrets
    .filter((secret) => secret !== undefined)
    .filter((secret) => secret.length >= shortest && !known.includes(secret))
    .toSorted((a, b) => b.length - a.length)
  if (sought.length === 0) return { text: (text) => text, value: (value) => value }
  const plain = anyOf(sought.flatMap((secret) => [secret, ...base64FormsOf(secret)]).map(escapePattern))
  const escaped = anyOf(sought.map((secret) => Array.from(secret, patternOfCharacter).join('')))
  const text = (from: string) => {
    const without = from.replaceAll(plain, replacement)
    // Takes ten times as long, and few texts have an escape in them.
    return escapes.test(without) ? without.replaceAll(escaped, replacement) : without
  }

  function value<T>(from: T): T {
    // A search is far cheaper than a copy, and nearly no value contains a secret.
    if (typeof from === 'string') return text(from) as T
    if (from === null || typeof from !== 'object') return from
    return contains(from, text) ? (copy(from) as T) : from
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
function contains(value: object, redact: (text: string) => string): boolean {
  const found = (text: string) => redact(text) !== text
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

const escapes = /\\|%[0-9a-fA-F]{2}|&/

function anyOf(patterns: readonly string[]): RegExp {
  return new RegExp([...new Set(patterns)].join('|'), 'g')
}

/**
 * A character as it is, percent-encoded, as JSON escapes it (also JSON within JSON), or as HTML does. Backslashes in front of the first one
 * are not part of the pattern: a text of backslashes would take seconds.
 */
function patternOfCharacter(character: string, at: number): string {
  const code = character.codePointAt(0) ?? 0
  const hex = (text: string) => text.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
  const utf16 = Array.from({ length: character.length }, (_, unit) =>
    character.charCodeAt(unit).toString(16).padStart(4, '0'),
  )
  const percent = [...new TextEncoder().encode(character)].map((byte) => `%${hex(byte.toString(16).padStart(2, '0'))}`)
  const html = `&#(?:0{0,4}${code}|[xX]0{0,4}${hex(code.toString(16))});`
  const named = namedHtml[character]
  const [any, some] = at === 0 ? ['', String.raw`\\`] : [String.raw`\\{0,7}`, String.raw`\\{1,7}`]
  return `(?:${any}${escapePattern(character)}|${utf16.map((unit) => `${some}u${hex(unit)}`).join('')}|${percent.join('')}|${html}${named === undefined ? '' : `|${named}`})`
}

const namedHtml: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/**
 * What a text has in its base64 if the secret is a part of it, such as `user:secret` of HTTP Basic: three forms, by the place of its first
 * byte in a group of three. Bytes that share a character with their neighbours are left out.
 */
function base64FormsOf(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret)
  const forms = [0, 1, 2].map((before) => {
    const padded = encodeBase64(new Uint8Array([...new Uint8Array(before), ...bytes]))
    const from = Math.ceil((before * 8) / 6)
    return padded.slice(from, Math.floor(((before + bytes.length) * 8) / 6))
  })
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
}

function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
