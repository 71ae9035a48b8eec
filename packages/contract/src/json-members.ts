/** The text of each member of a JSON object, as offsets. Of a name that is there twice, the last one, as JSON.parse has it. */
export type JsonMembers = ReadonlyMap<string, { readonly start: number; readonly end: number }>

/**
 * Finds the members of the object that `json` is, so that one of them can be taken out, or replaced, without changing a byte of the
 * others: parsing and writing again would change large numbers. `json` must be valid JSON: it was parsed before.
 */
export function findJsonMembers(json: string): JsonMembers {
  const members = new Map<string, { start: number; end: number }>()
  let at = skipSpace(json, skipSpace(json, 0) + 1)
  while (json[at] === '"') {
    const nameEnd = endOfValue(json, at)
    const name = JSON.parse(json.slice(at, nameEnd)) as string
    const start = skipSpace(json, skipSpace(json, nameEnd) + 1)
    const end = endOfValue(json, start)
    members.set(name, { start, end })
    at = skipSpace(json, end)
    if (json[at] === ',') at = skipSpace(json, at + 1)
  }
  return members
}

function skipSpace(json: string, from: number): number {
  let at = from
  while (json[at] === ' ' || json[at] === '\t' || json[at] === '\n' || json[at] === '\r') at += 1
  return at
}

function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at += 1) {
    const character = json[at]
    if (character === '"') {
      at = endOfString(json, at)
      if (depth === 0) return at + 1
    } else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      // The end of the object around a number or a word.
      if (depth === 0) return at
      depth -= 1
      if (depth === 0) return at + 1
    } else if (
      depth === 0 &&
      (character === ',' || character === ' ' || character === '\n' || character === '\r' || character === '\t')
    )
      return at
  }
  return json.length
}

/** The offset of the closing quotation mark. */
function endOfString(json: string, start: number): number {
  let at = json.indexOf('"', start + 1)
  for (;;) {
    let escapes = 0
    while (json[at - 1 - escapes] === '\\') escapes += 1
    if (escapes % 2 === 0 || at < 0) return at < 0 ? json.length : at
    at = json.indexOf('"', at + 1)
  }
}
