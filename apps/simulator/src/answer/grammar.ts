import nlp from 'compromise/two'
import type { Candidate } from './candidate.ts'

/** What a part-of-speech tagger finds in a text. It costs about a millisecond, so it is used last. */
export interface Grammar {
  readonly people: readonly Candidate[]
  readonly places: readonly Candidate[]
  readonly organisations: readonly Candidate[]
  /** Named things with what they are: "Philips toaster". */
  readonly named: readonly Candidate[]
  /** Other things, with a determiner before them: "the parcel". */
  readonly things: readonly Candidate[]
}

/** Of long texts only the beginning is read. */
const mostRead = 6_000
const patterns = {
  people: nlp.parseMatch('#Person+'),
  places: nlp.parseMatch('#Place+'),
  organisations: nlp.parseMatch('#Organization+'),
  described: nlp.parseMatch('#ProperNoun+ #Adjective #Noun+'),
  named: nlp.parseMatch('#ProperNoun+ (#Noun|#Gerund)*'),
  things: nlp.parseMatch('(the|my|a|an|our|this|your|these|#Value) [<thing>#Adjective? #Noun+]'),
}

export function readGrammar(whole: string): Grammar {
  const text = whole.slice(0, mostRead)
  const doc = nlp(text)
  const found = (match: { json(options: object): unknown }): Candidate[] => {
    const views = match.json({ text: true, terms: false, offset: true }) as {
      text: string
      offset: { start: number; length: number }
    }[]
    return views.flatMap(({ text: value, offset }) => {
      let at = offset.start
      return value.split(/[,;:.!?()"\n]|\s[-–—]\s/u).flatMap((part) => {
        const trimmed = part.replace(/^[^\p{L}\p{N}]+/u, '').trim()
        const found = text.indexOf(trimmed, at)
        if (trimmed === '' || found < 0) return []
        at = found + trimmed.length
        return [{ value: trimmed.replace(/(?:'s|-)$/, ''), at: found, end: at }]
      })
    })
  }
  const people = found(doc.match(patterns.people))
  const places = found(doc.match(patterns.places))
  // "Weber grill" is a thing although Weber is a name.
  const isInside = (one: Candidate) => [...people, ...places].some(({ at, end }) => one.at >= at && one.end <= end)
  return {
    people,
    places,
    organisations: found(doc.match(patterns.organisations)),
    named: [...found(doc.match(patterns.described)), ...found(doc.match(patterns.named))].filter(
      (one) => !isInside(one),
    ),
    things: found(doc.match(patterns.things, 'thing')).filter((one) => !isInside(one)),
  }
}
