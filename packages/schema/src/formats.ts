import {
  isDate,
  isDuration,
  isEmail,
  isHostname,
  isIPv4,
  isIPv6,
  isIri,
  isIriReference,
  isJsonPointer,
  isRelativeJsonPointer,
  isUri,
  isUriReference,
  isUriTemplate,
  isUuid,
} from '@hyperjump/json-schema-formats'
import { isIdnHostname } from 'idn-hostname'
import { isPattern } from './pattern-program.ts'

/** Says whether a value has the format; values of another type have every format. */
export type FormatCheck = (value: string | number) => boolean

/** Longer texts do not have the format: some of these checks take time quadratic in the text. */
const longest = { name: 320, short: 1_000 } as const

const text =
  (check: (value: string) => boolean, mostLength = Number.POSITIVE_INFINITY): FormatCheck =>
  (value) =>
    typeof value !== 'string' || (value.length <= mostLength && check(value))
const number =
  (check: (value: number) => boolean): FormatCheck =>
  (value) =>
    typeof value !== 'number' || check(value)

const integer = (bits: number) =>
  number((value) => Number.isInteger(value) && value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1))
const unsigned = (bits: number) => number((value) => Number.isInteger(value) && value >= 0 && value <= 2 ** bits - 1)

const checks: Readonly<Record<string, FormatCheck>> = {
  date: text(isDate, longest.short),
  time: text(isTime),
  'date-time': text(isDateTime),
  duration: text(isDuration, longest.short),
  email: text((value) => quietly(() => isEmail(value)), longest.name),
  'idn-email': text(isIdnEmail, longest.name),
  hostname: text(isAsciiHostname, longest.name),
  'idn-hostname': text(isUnicodeHostname, longest.name),
  ipv4: text(isIPv4, longest.short),
  ipv6: text(isIPv6, longest.short),
  uri: text(isUri),
  'uri-reference': text(isUriReference),
  iri: text(isIri),
  'iri-reference': text(isIriReference),
  'uri-template': text(isUriTemplate),
  uuid: text(isUuid, longest.short),
  'json-pointer': text(isJsonPointer),
  'relative-json-pointer': text(isRelativeJsonPointer),
  regex: text(isRegex, 10_000),
  // OpenAPI's, and names that other validators check.
  url: text(isUri),
  'json-pointer-uri-fragment': text(
    (value) => value.startsWith('#') && isUri(`a:${value}`) && isFragmentPointer(value),
  ),
  int8: integer(8),
  int16: integer(16),
  int32: integer(32),
  int64: integer(64),
  uint8: unsigned(8),
  uint16: unsigned(16),
  uint32: unsigned(32),
  uint64: unsigned(64),
  byte: text(isBase64),
}

/** Formats that say how to show or store a value: any value of the type has them. */
const withoutCheck: ReadonlySet<string> = new Set(['float', 'double', 'binary', 'password'])

/** Undefined: the format is not known. Null: it is known, and there is nothing to check. */
export function formatCheck(name: string): FormatCheck | null | undefined {
  if (Object.hasOwn(checks, name)) return checks[name]
  return withoutCheck.has(name) ? null : undefined
}

export function formatNames(): string[] {
  return [...Object.keys(checks), ...withoutCheck]
}

const timeForm = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[zZ]|([+-])(\d\d):(\d\d))$/

/** RFC 3339. Second 60 is a leap second: only as the last second of a day in UTC. */
function isTime(value: string): boolean {
  const match = timeForm.exec(value)
  if (match === null) return false
  const [hour, minute, second, offsetHour, offsetMinute] = [match[1], match[2], match[3], match[5], match[6]].map(
    (digits) => Number(digits ?? 0),
  ) as [number, number, number, number, number]
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true
  const offset = (offsetHour * 60 + offsetMinute) * (match[4] === '-' ? -1 : 1)
  const dayMinutes = 24 * 60
  return (hour * 60 + minute - offset + dayMinutes) % dayMinutes === dayMinutes - 1
}

function isDateTime(value: string): boolean {
  return /^.{10}[tT]/.test(value) && isDate(value.slice(0, 10)) && isTime(value.slice(11))
}

function isAsciiHostname(value: string): boolean {
  return isHostname(value) && isUnicodeHostname(value)
}

/** IDNA 2008, by the tables of UTS #46. */
function isUnicodeHostname(value: string): boolean {
  if (/[.\uFF0E\u3002\uFF61]$/.test(value)) return false
  return quietly(() => isIdnHostname(value))
}

function isIdnEmail(value: string): boolean {
  const at = value.lastIndexOf('@')
  const local = value.slice(0, at)
  const domain = value.slice(at + 1)
  // The check for ASCII addresses says the same of other characters once they are replaced by a letter.
  const isLocal =
    at > 0 && quietly(() => isEmail(`${local.replaceAll(/[\u{80}-\u{D7FF}\u{E000}-\u{10FFFF}]/gu, 'a')}@a`))
  if (!isLocal) return false
  return domain.startsWith('[') ? quietly(() => isEmail(`a@${domain}`)) : isUnicodeHostname(domain)
}

/** Of the syntax of ECMA-262, without making the states of the pattern. */
function isRegex(value: string): boolean {
  return quietly(() => new RegExp(value, 'u') instanceof RegExp) || isPattern(value)
}

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
}

function isFragmentPointer(value: string): boolean {
  return quietly(() => isJsonPointer(decodeURIComponent(value.slice(1))))
}

/** The libraries throw for some values that do not have the format. */
function quietly(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
