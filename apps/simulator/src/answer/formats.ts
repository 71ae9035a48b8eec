import { matchAll } from './candidate.ts'
import { type Facts } from './facts.ts'
import { isoDay } from './string-kinds.ts'

const patterns: Readonly<Record<string, RegExp>> = {
  uuid: /\b[\da-f]{8}-[\da-f]{4}-[1-5][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}\b/gi,
  ipv4: /\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|\b)){4}\b/g,
  ipv6: /\b(?:[\da-f]{1,4}:){7}[\da-f]{1,4}\b/gi,
  hostname: /\b(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z]{2,}\b/gi,
  duration: /\bP(?:\d+[YMWD])+(?:T(?:\d+[HMS])+)?\b/g,
}
const samples: Readonly<Record<string, string>> = {
  date: '1970-01-01',
  'date-time': '1970-01-01T00:00:00Z',
  time: '00:00:00Z',
  duration: 'PT0S',
  email: 'unknown@example.com',
  hostname: 'example.com',
  ipv4: '0.0.0.0',
  ipv6: '::',
  uuid: '00000000-0000-4000-8000-000000000000',
  uri: 'https://example.com/',
  'uri-reference': '/',
}

export function sampleOf(format: string): string | undefined {
  return samples[format]
}

/** What of a text has a format; undefined for formats that are not known. */
export function ofFormat(
  format: string,
  facts: Facts,
): readonly { value: string; at: number; end: number }[] | undefined {
  switch (format) {
    case 'date':
      return moments(facts, isoDay)
    case 'date-time':
      return moments(facts, (date) => date.toISOString())
    case 'time':
      return moments(facts, (date) => `${date.toISOString().slice(11, 19)}Z`)
    case 'email':
      return facts.emails.filter(({ value }) => /^[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$/i.test(value))
    case 'uri':
    case 'uri-reference':
      return facts.urls.map((one) => ({ ...one, value: one.value.replace(/^www\./i, 'https://www.') }))
    default: {
      const pattern = patterns[format]
      return pattern === undefined ? undefined : matchAll(facts.text, pattern)
    }
  }
}

function moments(facts: Facts, show: (date: Date) => string): { value: string; at: number; end: number }[] {
  return facts.moments.map(({ value, at, end }) => ({ value: show(value.date), at, end }))
}
