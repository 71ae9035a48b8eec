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
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  let node = root
  let line = root.loc.start.line
  for (const part of parts) {
    // In the fragment of a URL a pointer may be percent-encoded.
    const next = inside(node, part) ?? inside(node, decode(part))
    if (next === null) break
    node = next.value
    line = next.line
  }
  return { line, message: issue.message }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
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
