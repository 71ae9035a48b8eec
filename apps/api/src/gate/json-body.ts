import { randomBytes } from 'node:crypto'
import { formatPath, invalidRequest, SluiceError } from '@sluice/contract/error'
import { createJsonScan, describeProblem, maxJsonValues, parseJson, type ScannedList } from '@sluice/contract/json-text'
import type { Request } from 'express'
import { bodyOf } from './body.ts'
import { boundsOf } from './bounds.ts'
import { limits } from './limits.ts'
import { createTurns } from './turns.ts'

/**
 * Reads a JSON body in bounded memory and in short turns. Depth and number of values are checked as the bytes arrive. A long list
 * (the items) is parsed group by group, so that other requests are served in between. Undefined: the body is empty.
 */
export async function readJsonBody(req: Request, limitBytes: number): Promise<unknown> {
  if (Number(req.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes)
  const { memory } = boundsOf(req)
  const scan = createJsonScan({ maxListValues: limits.jsonValues })
  const turn = createTurns()
  const chunks: Buffer[] = []
  let size = 0
  const body = bodyOf(req, {
    unpackedBytes: limitBytes,
    timeMs: limits.jsonBodyMs,
    encodings: ['gzip', 'x-gzip', 'deflate', 'br'],
    tooLarge: () => tooLarge(limitBytes),
  })
  for await (const chunk of body) {
    memory.take(chunk.length)
    chunks.push(chunk)
    size += chunk.length
    const problem = scan.feed(chunk)
    if (problem !== null) throw refusal(describeProblem(problem, Buffer.concat(chunks)))
    await turn()
  }
  if (size === 0) return undefined
  // While it is parsed, the bytes and the text are there; then the values, whose texts may take two bytes a character.
  memory.take(2 * size + scan.values * limits.bytesPerJsonValue)
  const value = await parseBytes(withoutMark(Buffer.concat(chunks)), scan.lists)
  memory.give(size)
  return value
}

async function parseBytes({ bytes, skipped }: { bytes: Buffer; skipped: number }, lists: readonly ScannedList[]) {
  if (lists.some(({ end }) => end < 0)) throw invalidJson('it ends too early', [])
  const long = lists.filter(({ cuts }) => cuts.length > 0)
  if (long.length === 0) return parseText(bytes.toString(), [])
  const turn = createTurns()
  // The body without its long lists, of which a name stays in place: the parser checks that everything else is right.
  const marker = `list-${randomBytes(12).toString('hex')}-`
  const skeleton = long
    .map(
      ({ start }, index) =>
        `${bytes.toString('utf8', index === 0 ? 0 : long[index - 1]!.end - skipped, start - skipped)}"${marker}${index}"`,
    )
    .concat(bytes.toString('utf8', long.at(-1)!.end - skipped))
  const root = parseText(skeleton.join(''), []) as Record<string, unknown>
  for (const [key, value] of Object.entries(root)) {
    const name: unknown = Array.isArray(value) ? value[0] : undefined
    if (typeof name !== 'string' || !name.startsWith(marker)) continue
    root[key] = await parseList(key, long[Number(name.slice(marker.length))]!)
  }
  return root

  async function parseList(key: string, { start, end, cuts }: ScannedList): Promise<unknown[]> {
    const elements: unknown[] = []
    let from = start - skipped
    for (const cut of [...cuts, end]) {
      const group = parseText(`[${bytes.toString('utf8', from, cut - skipped)}]`, [key, elements.length]) as unknown[]
      if (group.length === 0) throw invalidJson(`there is no value between two commas`, [key, elements.length])
      for (const element of group) elements.push(element)
      if (elements.length > maxJsonValues) throw invalidRequest('too_many_values', tooManyElements(key), key)
      from = cut - skipped + 1
      await turn()
    }
    return elements
  }
}

function parseText(text: string, at: readonly PropertyKey[]): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw invalidJson((error as Error).message, at)
  }
}

/** Parses JSON that is a part of a request: a line, a form's field, a query parameter. `where` names it in the refusal. */
export function parseJsonPart(text: string, where: string): unknown {
  const parsed = parseJson(text)
  if (parsed.ok) return parsed.value
  const shown = `${where.charAt(0).toUpperCase()}${where.slice(1)}`
  if (parsed.problem === 'syntax')
    throw invalidRequest('invalid_json', `${shown}: This is not valid JSON: ${parsed.message}`, where)
  throw refusal(parsed, where)
}

/** For JSON that something else parses: what is not JSON is left to that. */
export function refuseDeepJson(text: string, where: string): void {
  const parsed = parseJson(text)
  if (!parsed.ok && parsed.problem !== 'syntax') throw refusal(parsed, where)
}

function refusal({ message, path, problem }: ReturnType<typeof describeProblem>, where = ''): SluiceError {
  const prefix = where === '' ? '' : `${where}: `
  const param = formatPath(path)
  return invalidRequest(
    problem === 'too_deep' ? 'too_deep' : 'too_many_values',
    `${prefix}${message}`,
    param === '' ? where || undefined : `${prefix}${param}`,
  )
}

function invalidJson(message: string, at: readonly PropertyKey[]): SluiceError {
  const place = at.length === 0 ? '' : ` near ${formatPath(at)}`
  return invalidRequest('invalid_json', `The body is not valid JSON${place}: ${message}`)
}

function tooLarge(limitBytes: number): SluiceError {
  return new SluiceError(
    'invalid_request_error',
    'too_large',
    `The body is larger than ${Math.floor(limitBytes / 1_048_576)} MB: send items as application/x-ndjson, which may be of any size, or in several batches.`,
  )
}

function tooManyElements(key: string): string {
  return `${key}: A list has at most ${maxJsonValues.toLocaleString('en')} elements: send items as application/x-ndjson, or in several batches.`
}

/** Without the byte order mark that some editors write. */
function withoutMark(bytes: Buffer): { bytes: Buffer; skipped: number } {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return marked ? { bytes: bytes.subarray(3), skipped: 3 } : { bytes, skipped: 0 }
}
