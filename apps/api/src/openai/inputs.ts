import { type FilePurpose, filePurposes } from '@sluice/engine/files/file-record'
import type { Request } from 'express'
import { readJsonBody } from '../gate/json-body.ts'
import { invalidType, invalidValue, missingParameter, OpenAiError, outOfRange, unknownParameter } from './errors.ts'

const shortestS = 3_600
const longestS = 2_592_000
const bodyBytes = 1_048_576

/** The JSON object that a request has as its body, with no other fields than the known ones. */
export async function readObject(req: Request, known: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const body = (await readJsonBody(req, bodyBytes)) ?? {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new OpenAiError(400, 'The body of the request must be a JSON object.')
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined) throw unknownParameter(unknown)
  return body as Record<string, unknown>
}

export function requiredText(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name]
  if (value === undefined || value === null) throw missingParameter(name)
  if (typeof value !== 'string') throw invalidType(name, 'a string', value)
  return value
}

export function requiredWhole(
  body: Readonly<Record<string, unknown>>,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = body[name]
  if (value === undefined || value === null) throw missingParameter(name)
  return whole(value, name, { least, most })
}

function whole(
  value: unknown,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw invalidType(name, 'an integer', value)
  if (value < least || value > most) throw outOfRange(name, value, least, most)
  return value
}

export function parsePurpose(value: string): FilePurpose {
  const purpose = filePurposes.find((one) => one === value)
  if (purpose === undefined) throw invalidValue('purpose', value, filePurposes)
  return purpose
}

/** Seconds from the creation of a file to its end, as JSON; null: not given. */
export function parseExpiry(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidType(name, 'an object', value)
  const { anchor, seconds, ...others } = value as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw unknownParameter(`${name}.${unknown}`)
  if (anchor === undefined) throw missingParameter(`${name}.anchor`)
  if (anchor !== 'created_at') throw invalidValue(`${name}.anchor`, anchor, ['created_at'])
  if (seconds === undefined) throw missingParameter(`${name}.seconds`)
  return whole(seconds, `${name}.seconds`, { least: shortestS, most: longestS })
}

/** The same as fields of a form: `expires_after[anchor]` and `expires_after[seconds]`. */
export function parseFormExpiry(fields: ReadonlyMap<string, string>): number | null {
  const given = [...fields].flatMap(([name, value]) => {
    const key = /^expires_after\[(\w+)\]$/.exec(name)?.[1]
    return key === undefined ? [] : [[key, key === 'seconds' && /^\d{1,9}$/.test(value) ? Number(value) : value]]
  })
  return parseExpiry(given.length === 0 ? undefined : Object.fromEntries(given), 'expires_after')
}

export function parseMetadata(value: unknown): Readonly<Record<string, string>> | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidType('metadata', 'an object', value)
  const entries = Object.entries(value as Record<string, unknown>)
  if (entries.length > 16) {
    throw new OpenAiError(
      400,
      `Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with ${entries.length} properties instead.`,
      {
        code: 'object_above_max_properties',
        param: 'metadata',
      },
    )
  }
  for (const [key, text] of entries) {
    if (key.length > 64) throw tooLong(`metadata`, 'a key', 64)
    if (typeof text !== 'string') throw invalidType(`metadata.${key}`, 'a string', text)
    if (text.length > 512) throw tooLong(`metadata.${key}`, 'a string', 512)
  }
  return Object.fromEntries(entries) as Record<string, string>
}

function tooLong(param: string, what: string, most: number): OpenAiError {
  return new OpenAiError(400, `Invalid '${param}': string too long. Expected ${what} with maximum length ${most}.`, {
    code: 'string_above_max_length',
    param,
  })
}

export interface PageQuery {
  readonly after: string | undefined
  readonly limit: number
}

/** `after` is the id of an object, and begins with `prefix`. */
export function parsePage(
  query: Request['query'],
  { prefix, most, usual }: { readonly prefix: string; readonly most: number; readonly usual: number },
): PageQuery {
  const { after, limit } = query
  if (after !== undefined && (typeof after !== 'string' || !after.startsWith(prefix) || after.length > 64))
    throw new OpenAiError(400, `Invalid 'after': expected an id that begins with '${prefix}'.`, {
      code: 'invalid_value',
      param: 'after',
    })
  if (limit === undefined) return { after, limit: usual }
  if (typeof limit !== 'string' || !/^-?\d{1,9}$/.test(limit)) throw invalidType('limit', 'an integer', limit)
  if (Number(limit) < 1 || Number(limit) > most) throw outOfRange('limit', limit, 1, most)
  return { after, limit: Number(limit) }
}

export function parseOrder(value: unknown): 'asc' | 'desc' {
  if (value === undefined) return 'desc'
  if (value !== 'asc' && value !== 'desc') throw invalidValue('order', value, ['asc', 'desc'])
  return value
}
