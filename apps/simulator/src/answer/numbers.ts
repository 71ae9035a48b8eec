import type { Candidate } from './candidate.ts'

export interface Money {
  readonly amount: number
  /** ISO 4217, or null where the text only says that it is money. */
  readonly currency: string | null
}

const symbols: Readonly<Record<string, string>> = { $: 'USD', '€': 'EUR', '£': 'GBP', '¥': 'JPY', '₹': 'INR' }
const currencies: Readonly<Record<string, string>> = {
  dollar: 'USD', usd: 'USD', buck: 'USD', euro: 'EUR', eur: 'EUR', pound: 'GBP', gbp: 'GBP', yen: 'JPY', jpy: 'JPY',
  rupee: 'INR', inr: 'INR', franc: 'CHF', chf: 'CHF', krona: 'SEK', sek: 'SEK', krone: 'NOK', nok: 'NOK', zloty: 'PLN',
  pln: 'PLN', cad: 'CAD', aud: 'AUD', cny: 'CNY', yuan: 'CNY', peso: 'MXN',
} // prettier-ignore
const scales: Readonly<Record<string, number>> = {
  k: 1e3, thousand: 1e3, m: 1e6, mn: 1e6, million: 1e6, bn: 1e9, b: 1e9, billion: 1e9, trillion: 1e12,
} // prettier-ignore
const scale = String.raw`(?:\s?(k|m|mn|bn|b|thousand|million|billion|trillion)\b)?`
const digits = String.raw`(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)`
const money = new RegExp(
  `([$€£¥₹])\\s?${digits}${scale}|${digits}${scale}\\s?(?:([$€£¥₹])|(${Object.keys(currencies).join('|')})s?\\b)`,
  'gi',
)
const plain = new RegExp(`(?<![\\p{L}\\d.,_-])-?${digits}(?:\\s?(thousand|million|billion|trillion)\\b)?`, 'giu')
const words: Readonly<Record<string, number>> = {
  one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, eleven: 11, twelve: 12,
  thirteen: 13, fourteen: 14, fifteen: 15, sixteen: 16, eighteen: 18, twenty: 20, thirty: 30, forty: 40, fifty: 50,
  hundred: 100, dozen: 12, once: 1, twice: 2,
} // prettier-ignore
const spelled = new RegExp(`\\b(?:${Object.keys(words).join('|')})\\b`, 'gi')
const age =
  /(\d{1,3})[\s-]*(?:years?|yrs?|y)[\s-]*(?:old|of age)|\b(?:aged?|age is|age:)\s*(?:of\s*)?(\d{1,3})|\b(?:i am|i'm|turned|turning|turns)\s+(\d{1,3})\b(?!\s*(?:\p{L}|%|[$€£]))|\p{L},\s(\d{1,2})(?=[,)])|\((\d{1,2})\)/giu

export function findMoney(text: string): Candidate<Money>[] {
  return Array.from(text.matchAll(money), (match) => {
    const [whole, before, first, firstScale, second, secondScale, after, word] = match
    const amount = parse(first ?? second ?? '') * (scales[(firstScale ?? secondScale ?? '').toLowerCase()] ?? 1)
    const symbol = before ?? after
    const currency = symbol === undefined ? currencies[(word ?? '').toLowerCase()] : symbols[symbol]
    return {
      value: { amount: clean(amount), currency: currency ?? null },
      at: match.index,
      end: match.index + whole.length,
    }
  })
}

/** Numbers in digits, then those in words; none of those that are part of a word or a code. */
export function findNumbers(text: string): Candidate<number>[] {
  const inDigits = Array.from(text.matchAll(plain), (match): Candidate<number> => {
    const value = parse(match[1]!) * (scales[(match[2] ?? '').toLowerCase()] ?? 1) * (match[0].startsWith('-') ? -1 : 1)
    return { value: clean(value), at: match.index, end: match.index + match[0].length }
  }).filter(
    ({ end }) =>
      !/^-?\p{L}|^-\d|^[.:]\d/u.test(text.slice(end, end + 2)) || /^(?:k[gm]|[mc]m|[gm]b|%)/i.test(text.slice(end)),
  )
  const inWords = Array.from(text.matchAll(spelled), (match) => ({
    value: words[match[0].toLowerCase()]!,
    at: match.index,
    end: match.index + match[0].length,
  }))
  return [...inDigits, ...inWords]
}

export function findAges(text: string): Candidate<number>[] {
  return Array.from(text.matchAll(age), (match) => ({
    value: Number(match[1] ?? match[2] ?? match[3] ?? match[4] ?? match[5]),
    at: match.index,
    end: match.index + match[0].length,
  }))
}

/** `1,234.50` and `12,5` both occur. */
function parse(text: string): number {
  return Number(/,\d{3}(?!\d)/.test(text) ? text.replaceAll(',', '') : text.replace(',', '.'))
}

function clean(value: number): number {
  return Number(value.toPrecision(15))
}
