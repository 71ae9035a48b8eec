import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkSchema } from '../src/check.ts'
import { toStrictSchema } from '../src/strict.ts'
import { isNode } from '../src/subschemas.ts'

/** What the door says of the schemas in a folder, which may be a checkout of any collection. */
export interface FolderCount {
  readonly accepted: number
  readonly strict: number
  /** By reason, with what is quoted left out. */
  readonly refused: ReadonlyMap<string, number>
  /** JSON files that hold no schema. */
  readonly others: number
  /** The longest processor time that one schema took, in milliseconds. */
  readonly longestMs: number
}

/** Checks each schema of each `.json` file under a folder; a file may hold one schema, or `{"json_schema": ...}` or `{"schema": ...}`. */
export function countFolder(folder: string): FolderCount {
  let [accepted, strict, others, longestMs] = [0, 0, 0, 0]
  const refused = new Map<string, number>()
  for (const path of jsonFiles(folder)) {
    const schema = schemaIn(readFileSync(path, 'utf8'))
    if (schema === null) {
      others += 1
      continue
    }
    const before = process.threadCpuUsage()
    const door = checkSchema(schema)
    if (door.ok) {
      accepted += 1
      if (toStrictSchema(schema).strict) strict += 1
    } else {
      const reason = door.message.replaceAll(/'[^']*'/g, "'…'")
      refused.set(reason, (refused.get(reason) ?? 0) + 1)
    }
    const { user, system } = process.threadCpuUsage(before)
    longestMs = Math.max(longestMs, (user + system) / 1_000)
  }
  return { accepted, strict, refused, others, longestMs }
}

function jsonFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

const schemaKeywords = [
  '$schema',
  '$ref',
  '$defs',
  'definitions',
  'properties',
  'items',
  'anyOf',
  'oneOf',
  'allOf',
  'enum',
]

function schemaIn(text: string): Record<string, unknown> | null {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return null
  }
  for (const one of isNode(value) ? [value['json_schema'], value['schema'], value] : []) {
    const schema = typeof one === 'string' ? parsed(one) : one
    if (!isNode(schema)) continue
    if (schemaKeywords.some((keyword) => Object.hasOwn(schema, keyword) && isKeyword(keyword, schema[keyword])))
      return schema
  }
  return null
}

/** Data may have a property of the name of a keyword. */
function isKeyword(keyword: string, value: unknown): boolean {
  if (keyword === '$schema' || keyword === '$ref')
    return typeof value === 'string' && value.includes(keyword === '$ref' ? '#' : 'schema')
  return ['anyOf', 'oneOf', 'allOf', 'enum'].includes(keyword) ? Array.isArray(value) : isNode(value)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
