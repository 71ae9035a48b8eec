import type { Candidate } from './candidate.ts'

const name = String.raw`\p{Lu}[\p{L}'’-]*\p{Ll}(?:\s+(?:(?:van|von|de|der|da|di|la|le|bin|al)\s+)*\p{Lu}(?:[\p{L}'’-]*\p{Ll}|\.)){0,3}`
const introduced = new RegExp(
  `\\b(?:[Mm]y name(?: is|'s|:)|[Nn]ame\\s*:|I am called|[Cc]all me|I'm|I am|[Tt]his is|named)\\s+(${name})`,
  'gu',
)
const titled = new RegExp(`\\b(?:Mr|Mrs|Ms|Dr|Prof|Professor|Sir|Madam|Captain)\\.?\\s+(${name})`, 'gu')
const closing =
  /(?:^|[\s,.!?])(?:regards|sincerely|cheers|thanks(?: in advance)?|thank you(?: so much)?|best(?: wishes)?|greetings|yours(?: truly| faithfully)?|love|thx|ty|bye)\s*[,.!:\n–-]+\s*(\p{L}[\p{L}'’-]+(?:\s+\p{Lu}[\p{L}'’.-]+){0,3})[\s.,]*$/iu
const signature = new RegExp(`(?:[.!?…)]|\\n|^)\\s*(?:[-–—]\\s*)?(${name})[\\s.,]*$`, 'u')
const dashed = new RegExp(`[-–—]\\s*(${name})[\\s.,]*$`, 'u')
const contactAtEnd = /[\s,;(]*(?:[\w.+-]+@[\w.-]+|\+?[\d\s()/-]{7,})[\s).,]*$/
const noNames =
  /^(?:thanks?|thx|thank you|regards|order|hello|hi|dear|urgent|great|excellent|terrible|awful|superb|please|the|this|it|not|very|so|sorry|yes|no|in|at|from|re|subject|invoice|ticket|best|kind|your)\b/i

/** People whom a text introduces, addresses by title, or is signed by. Found without grammar. */
export function findNamedPeople(text: string): Candidate[] {
  return [...all(text, introduced), ...signer(text), ...all(text, titled)].filter(({ value }) => !noNames.test(value))
}

function signer(text: string): Candidate[] {
  const body = text.trimEnd().replace(contactAtEnd, '')
  const tail = body.slice(-120)
  const found = closing.exec(tail)?.[1] ?? dashed.exec(tail)?.[1] ?? signature.exec(tail)?.[1]
  // A single capitalised word is a sentence more often than a name, unless something leads to it.
  if (found === undefined || noNames.test(found)) return []
  if (!found.includes(' ') && !closing.test(tail) && !dashed.test(tail)) return []
  const at = body.lastIndexOf(found)
  return [{ value: found.replace(/[.,]$/, ''), at, end: at + found.length }]
}

function all(text: string, pattern: RegExp): Candidate[] {
  return Array.from(text.matchAll(pattern), (match) => {
    const value = match[1]!.replace(/\s+/g, ' ')
    const at = match.index + match[0].length - match[1]!.length
    return { value, at, end: at + match[1]!.length }
  })
}
