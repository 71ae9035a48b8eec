import type { Words } from './words.ts'

/** What kind of text a string property asks for. */
export type Kind =
  | 'email' | 'phone' | 'url' | 'moment' | 'currency' | 'money' | 'summary' | 'title' | 'role' | 'code' | 'organisation'
  | 'address' | 'place' | 'product' | 'person' | 'colour' | 'language' | 'keyword' | 'sentence' | 'phrase' // prettier-ignore

/** In this order: "company name" is a company's, not a person's, and "job title" no title. */
const kinds: readonly (readonly [Kind, RegExp])[] = [
  ['email', /\be ?mails?\b/],
  ['phone', /\b(?:phone|telephone|mobile|fax|cell)s?\b/],
  ['url', /\b(?:urls?|websites?|links?|homepage|web)\b/],
  ['role', /\b(?:job|role|occupation|profession|position)s?\b/],
  ['currency', /\bcurrency\b/],
  ['moment', /\b(?:dates?|day|deadline|birthday|dob|when|due|expir\w*|until|time|timestamp|datetime|start|end|born|departure|arrival)\b|\b(?:at|on)$/],
  ['money', /\b(?:price|amount|cost|total|fee|salary|budget|payment|money)s?\b/],
  ['summary', /\b(?:summary|description|abstract|synopsis|details|overview|gist|explanation|background)\b/],
  ['code', /\b(?:ids?|number|no|codes?|ref|reference|sku|isbn|serial|iban|vin|identifier)\b|^(?:order|invoice|ticket|tracking)$/],
  ['colour', /\bcolou?rs?\b/],
  ['language', /\blanguages?\b/],
  ['title', /\b(?:title|headline|subject|heading)\b/],
  ['address', /\b(?:address|street)(?:es)?\b/],
  ['product', /\b(?:product|item|device|article|goods?|model|equipment|appliance|food|dish|drink|ingredient|thing|object)s?\b/],
  ['organisation', /\b(?:company|companies|organi[sz]ations?|employers?|vendors?|merchants?|brands?|manufacturers?|publishers?|sellers?|suppliers?|firms?|stores?|shops?|institutions?|universit\w+|schools?|banks?|agenc\w+)\b/],
  ['place', /\b(?:cit(?:y|ies)|countr(?:y|ies)|locations?|places?|towns?|states?|regions?|venues?|destinations?|origin|hometown|birthplace)\b/],
  ['keyword', /\b(?:tags?|keywords?|topics?|themes?|labels?)\b/],
  ['sentence', /\b(?:steps?|points?|highlights?|actions?|quotes?|facts?|claims?|findings?|issues?|problems?|complaints?|reasons?|questions?|answers?|requests?|comments?|notes?|messages?|text|content|body|sentences?|statements?|requirements?|tasks?|todos?|reasoning|evidence)\b/],
  ['person', /\b(?:name|person|people|author|customer|employee|client|sender|recipient|contact|speaker|patient|candidate|user|owner|manager|director|actor|player|founder|ceo|writer|reviewer|attendee|participant|signatory|passenger|guest|host|victim|doctor|teacher|student|surname|characters?|member|writes)s?\b/],
] // prettier-ignore
/** Words that are ambiguous alone: the "name" of what? */
const bare = /^(?:name|value|title|label|id|text|full name|)$/

/** By the name; if that is ambiguous, by the property that contains it, and by the description. */
export function kindOf({ name, parent, description }: Words): Kind {
  const inside = bare.test(name) ? kindIn(parent) : undefined
  // A thing has a name, but the id of a person is not a person.
  if (inside !== undefined && /name|label|^$/.test(name) && namable.has(inside)) return inside
  return kindIn(name) ?? kindIn(description.toLowerCase()) ?? 'phrase'
}

const namable = new Set<Kind>([
  'product',
  'organisation',
  'place',
  'person',
  'keyword',
  'colour',
  'language',
  'sentence',
  'email',
  'phone',
  'url',
  'moment',
  'code',
  'role',
])

function kindIn(text: string): Kind | undefined {
  return kinds.find(([, pattern]) => pattern.test(text))?.[0]
}
