import { type Candidate, matchAll } from './candidate.ts'
import type { Facts, Moment } from './facts.ts'
import type { Kind } from './kinds.ts'
import { frequentWords, summarize } from './summary.ts'
import { shorten } from './sentences.ts'

const colours =
  /\b(?:black|white|red|green|blue|yellow|orange|purple|pink|brown|gr[ae]y|silver|gold|beige|turquoise|violet)\b/gi
const languages =
  /\b(?:English|German|French|Spanish|Italian|Portuguese|Dutch|Polish|Russian|Chinese|Mandarin|Japanese|Korean|Arabic|Hindi|Turkish|Swedish|Norwegian|Danish|Czech|Greek|Hebrew|Python|JavaScript|TypeScript|Java|Rust|Ruby)\b/g
const address =
  /\b\d{1,5}[a-z]?\s+(?:\p{Lu}[\p{L}.]*\s+){1,3}(?:Street|St|Lane|Ln|Road|Rd|Avenue|Ave|Boulevard|Blvd|Drive|Dr|Way|Court|Square|Place)\b\.?/gu
const company =
  /(?:\p{Lu}[\p{L}\d&.-]*\s+){1,4}(?:Inc|Ltd|LLC|GmbH|Corp(?:oration)?|AG|PLC|Co|Company|Group|Bank|University|Institute|Technologies|Systems)\b\.?/gu
const place = /\b(?:in|from|near|to|at|visit(?:ed|ing)?)\s+(?!(?:the|my|a|an)\b)(\p{Lu}\p{Ll}+(?:\s\p{Lu}\p{Ll}+)?)/gu
const role =
  /\b(?:works? as|working as|job as|is|as|am) (?:an?|the|our) ((?:[\p{L}-]+\s){0,3}?[\p{L}-]*(?:er|or|ist|ian|ant|ee|man|woman|cook|chef|nurse|clerk|CEO|CTO|CFO|head|president|analyst|architect|pilot|judge|intern))\b/giu
/** What a noun phrase of a message is about when it is not about goods. */
const noGoods =
  /^(?:order|discount|invoice|subject|pdf|vat|regards|thanks|dear|hi|hello|ticket|broken|exams?|first|second|third|good|urgent|best|hello|i|app|page)\b|\b(?:order|orders|account|parcel|delivery|invoice|refund|money|email|mail|card|name|page|chat|password|code|weeks?|years?|months?|days?|time|hurry|minutes?|question|person|support|team|company|job|bank|statement|confirmation|defect|address|number|date|noise|error|tracking|way|purchase|service|reason|day|problem|subscription|billing|shipping|item|product|bottom|rest|amount|difference|warranty|box|shop|neighbours|courier|fence|rain|discount|school|bot|charge|misuse|friends|data|link|concert|update|manual|description|gift wrapping|mother|landlord|car|note|app|one|world|total|hold|screen|battery|euros?(?: \w+)?|dollars?(?: \w+)?|times|zip|it|they|them|children|people|men|accounts|adviser|lawyer|landlord|asks|gift card|code \S+|pair|back|two|hole|sofa|cent|stars?|place|friday|monday|use|uses|quality|smell)$/i

/** The text's strings of one kind, likeliest first. Prose that nothing marks ("phrase") has none. */
export function candidatesOf(kind: Kind, facts: Facts): readonly Candidate[] {
  const { text } = facts
  switch (kind) {
    case 'email':
      return facts.emails
    case 'phone':
      return facts.phones
    case 'url':
      return facts.urls
    case 'moment':
      return facts.moments.map(({ value, at, end }) => ({ value: shown(value), at, end }))
    case 'currency':
      return facts.money.flatMap(({ value, at, end }) =>
        value.currency === null ? [] : [{ value: value.currency, at, end }],
      )
    case 'money':
      return facts.money.map(({ at, end }) => ({ value: text.slice(at, end), at, end }))
    case 'code':
      return facts.codes.map(({ value, at, end }) => ({ value: value.replace(/^#/, ''), at, end }))
    case 'colour':
      return matchAll(text, colours)
    case 'language':
      return matchAll(text, languages)
    case 'address':
      return matchAll(text, address)
    case 'role':
      return matchAll(text, role, 1)
    case 'organisation':
      return orElse(matchAll(text, company), () => facts.grammar.organisations)
    case 'place':
      return orElse(facts.grammar.places, () => matchAll(text, place, 1))
    case 'person':
      return orElse(facts.namedPeople, () => facts.grammar.people)
    case 'product':
      return orElse(facts.grammar.named.filter(({ value }) => !noGoods.test(value)).map(untilVerb), () =>
        facts.grammar.things.filter(({ value }) => !noGoods.test(value)).map(untilVerb),
      )
    case 'keyword':
      return frequentWords(text)
        .slice(0, 8)
        .map(([value]) => ({ value, at: 0, end: 0 }))
    case 'sentence':
      return facts.sentences.map((value) => ({
        value,
        at: text.indexOf(value),
        end: text.indexOf(value) + value.length,
      }))
    case 'title':
      return facts.sentences
        .slice(0, 1)
        .map((value) => ({ value: shorten(value.replace(/[.!]+$/, ''), 80), at: 0, end: value.length }))
    case 'summary':
      return text.trim() === ''
        ? []
        : [{ value: summarize(text, Math.max(120, text.length / 5)), at: 0, end: text.length }]
    case 'phrase':
      return []
    default:
      return kind satisfies never
  }
}

/** A day as ISO 8601 writes it; words where the text says no more than "in March". */
function shown({ date, exact, text }: Moment): string {
  return exact ? isoDay(date) : text
}

export function isoDay(date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function orElse(first: readonly Candidate[], other: () => readonly Candidate[]): readonly Candidate[] {
  return first.length > 0 ? first : other()
}

function untilVerb(one: Candidate): Candidate {
  return { ...one, value: one.value.replace(/\s+(?:I|we|you|it|they|that|which|works?|lists?|fits?|leaks?)\b.*$/, '') }
}
