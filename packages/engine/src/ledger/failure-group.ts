import { createHash } from 'node:crypto'
import type { FailureType } from '@sluice/contract/result'

/** What failures have in common: the same group for the same cause, whatever the item. */
export interface FailureGroup {
  /** 12 hexadecimal digits, from the other fields. */
  readonly id: string
  readonly type: FailureType
  /** Of the field that does not fit the schema, `*` for an element of a list; null where no field is at fault. */
  readonly path: string | null
  readonly message: string
}

/** Only the beginning of a message is compared: it bounds the time of the expressions below. */
const comparedLength = 2_000
const mostMessage = 300
const mostPath = 200

/** The group of a failure. Of invalid output with several errors, the first one counts. */
export function failureGroup({
  type,
  message,
}: {
  readonly type: FailureType
  readonly message: string
}): FailureGroup {
  const text = message.slice(0, comparedLength).replace(/^Part \d+ of \d+: /, '')
  const at = type === 'invalid_output' ? fieldOf(text) : null
  const path = at === null ? null : at.path.slice(0, mostPath)
  const common = withoutParticulars(at === null ? text : at.rest).slice(0, mostMessage)
  const id = createHash('sha256')
    .update(JSON.stringify([type, path, common]))
    .digest('hex')
    .slice(0, 12)
  return { id, type, path, message: common }
}

/** The validator's lines begin with the path of the field. A property that is missing is the field at fault, and not its object. */
function fieldOf(message: string): { path: string; rest: string } | null {
  const [line = ''] = message.split('\n')
  const [, pointer, error] = /^(\/(?:(?!: ).)*): (.*)$/.exec(line) ?? []
  if (pointer === undefined || error === undefined) return null
  const [, missing] = /^must have the property ("(?:[^"\\]|\\.)*")/.exec(error) ?? []
  const path = pointer.split('/').map(withoutPlace).join('/')
  // What came instead is of this item only.
  const rest = error.replace(/; got .*$/, '')
  if (missing === undefined) return { path, rest }
  return { path: `${path === '/' ? '' : path}/${String(JSON.parse(missing))}`, rest: 'must be there' }
}

function withoutPlace(segment: string): string {
  return /^\d+$/.test(segment) ? '*' : segment
}

/** The message without what differs from item to item: quoted values, addresses, paths, ids and numbers. The status of HTTP is kept. */
function withoutParticulars(message: string): string {
  return message
    .replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`|(?<=^|[\s(=:,[])'[^']*'(?=$|[\s).,;:\]])/g, '"…"')
    .replaceAll(/"…"(?:, ?"…")+/g, '"…"')
    .replaceAll(/\bhttps?:\/\/[^\s"]+/g, '<url>')
    .replaceAll(/(?<=^|[\s(=:])(?:[A-Za-z]:)?[/\\][^\s"),;:]*[/\\.][^\s"),;:]*/g, '<path>')
    .replaceAll(/\b(?=[A-Za-z_-]*\d)[A-Za-z0-9][A-Za-z0-9_-]{7,}\b/g, '<id>')
    .replaceAll(/\bHTTP \d{3}\b|[-+]?\d+(?:[.,:]\d+)*/g, (found) => (found.startsWith('HTTP') ? found : '#'))
    .replaceAll(/\s+/g, ' ')
    .trim()
}
