import type { ValueNode } from '@humanwhocodes/momoa'
import type { SchemaIssue } from './extractor-draft.ts'

export interface Place {
  /** From 1. */
  readonly line: number
  readonly message: string
}

/** The line of a text with a mistake in its JSON, or of the value that a JSON pointer names. Null where there is nothing wrong. */
export async function findPlace(text: string, issue: SchemaIssue | null): Promise<Place | null> {
  const { parse } = await import('@humanwhocodes/momoa')
  let root: ValueNode
  try {
    root = parse(text, { mode: 'json' }).body
  } catch (error) {
    const { line = 1, message } = error as Error & { line?: number }
    return { line, message: `This is not valid JSON: ${message}` }
  }
  if (issue === null) return null
  const parts = (issue.pointer ?? '')
    .split('/')
    .slice(1)
    .map((part) => unescape(part))
  let node = root
  let line = root.loc.start.line
  for (const part of parts) {
    const next = inside(node, part)
    if (next === null) break
    node = next.value
    line = next.line
  }
  return { line, message: issue.message }
}

/** `~1` is a slash, and a pointer in a URL fragment may be percent-encoded. */
function unescape(part: string): string {
  const plain = part.replaceAll('~1', '/').replaceAll('~0', '~')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

function inside(node: ValueNode, part: string): { value: ValueNode; line: number } | null {
  if (node.type === 'Object') {
    const member = node.members.find(({ name }) => (name.type === 'String' ? name.value : name.name) === part)
    return member === undefined ? null : { value: member.value, line: member.loc.start.line }
  }
  if (node.type === 'Array') {
    const element = node.elements[Number(part)]
    return element === undefined ? null : { value: element.value, line: element.loc.start.line }
  }
  return null
}
