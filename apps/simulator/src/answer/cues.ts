import { patternOf, splitName } from './words.ts'

/** What a text says when it means one of these values. Each pattern that occurs counts; `?` counts less than words. */
const cues: readonly (readonly [meaning: RegExp, cue: RegExp])[] = [
  [
    /^(?:very )?(?:positive|happy|satisfied|good|praise|compliment|favou?rable|promoter|joy)/,
    /(?<!not |n't |never )\b(?:love[ds]?|like it|great|excellent|wonderful|fantastic|happy|perfect(?:ly)?|superb|delighted|beautiful(?:ly)?|friendly|recommend(?:ed)?|amazing|awesome|best purchase|five stars|well packed|worth every|impressed|pleased|enjoyed|thank you for (?:replacing|the fast))\b/gi,
  ],
  [
    /^(?:very )?(?:negative|unhappy|angry|dissatisfied|bad|complaint|complain|frustrated|upset|detractor|critical of)/,
    /\b(?:terrible|awful|disappoint\w*|furious|unacceptable|broken|useless|annoying|angry|worst|poor|defect(?:ive)?|missing|still (?:has )?not|dangerous|wrong|leaks?|torn|burn(?:t|ed|s)|never arrives|too much|charged twice|locked out|declined|dead|stopped working|does(?: not|n't) (?:work|charge)|did(?: not|n't) work|hate|mistake|lost|delayed|without a reason|threw|dry|hold of|less than|cannot|can not|were missed)\b|not happy|!!!/gi,
  ],
  [
    /^(?:very )?(?:high|urgent|critical|immediate|asap|p0|p1|severe|emergency|now|top)/,
    /(?<!no |not |no need to |isn't )\b(?:urgent(?:ly)?|asap|as soon as possible|immediately|hurry|right away|right now|emergency|dangerous|unacceptable|today|quick(?=!)|answer quickly|before it (?:ships|is shipped)|has to be quick|deadline)\b|!!!?/gi,
  ],
  [
    /^(?:very )?(?:low|minor|trivial|p3|p4|whenever|not urgent)/,
    /\b(?:no (?:hurry|rush)|no need to hurry|there is no rush|can wait|when you have time|whenever|not urgent|just wanted to say|short note|as you like|thank you for|thanks for the|i am very happy|five stars|i love|superb|great shop|still happy)\b/gi,
  ],
  [/^(?:deliver|ship|logistic|transport|track)/, /\b(?:deliver(?:y|ed|ing|s)?|parcels?|tracking|shipp(?:ing|ed)|ships|courier|in transit|not arrived|only one arrived)\b/gi],
  [/^(?:bill|payment|invoice|finance|charge|pric|cost)/, /\b(?:invoices?|bill(?:ed|ing)?|charge[ds]|payments?|vat|subscription|card statement|instalments|pay by)\b/gi],
  [/^(?:refund|return|money back|reimburs)/, /\b(?:refund(?:ed)?|money back|my \$\d[\d.]* back|return(?:ed|ing)?|sent \w+ \w+ back|reimburse\w*)\b/gi],
  [/^(?:defect|bug|fault|technical|quality|damage|malfunction|product issue|incident)/, /\b(?:defect(?:ive)?|broken|stopped working|does(?: not|n't) (?:work|charge)|leaks?|torn|burn(?:t|ed)|noise|missing|dry|error|crash(?:es|ed)?|cannot be paired|lost its|wrong time|damaged|bug)\b/gi],
  [/^(?:account|login|access|profile|authentication|security)/, /\b(?:accounts?|log ?in|logs me out|log(?:ged)? (?:in|out)|password|locked|sign(?:ed)? ?(?:in|up)|profile)\b/gi],
  [/^(?:question|inquiry|enquiry|query|information|info|how to|support|pre ?sales)/, /\?|\b(?:can you tell|how do i|is it possible|do you|is there a way|could i|what is|quick question)\b/gi],
  [/^(?:cancel|churn|terminat)/, /\bcancel(?:l?ed|lation|s)?\b/gi],
  [/^(?:feature|suggestion|idea|improvement|feedback)/, /\b(?:would be (?:nice|great)|please add|suggest\w*|feature|wish|could you add|idea)\b/gi],
  [/^(?:spam|junk|phish)/, /\b(?:click here|winner|free money|lottery|phishing|unsubscribe|act now)\b/gi],
  [/^(?:male|man|men|m$)/, /\b(?:he|him|his|mr|man|male|father|son|husband|brother)\b/gi],
  [/^(?:female|woman|women|f$)/, /\b(?:she|her|hers|mrs|ms|woman|female|mother|daughter|wife|sister)\b/gi],
  [/^(?:technolog|software|it$|tech)/, /\b(?:software|app|computer|ai|internet|data|cloud|code|chip|smartphones?)\b/gi],
  [/^sport/, /\b(?:game|match|team|season|league|goal|coach|player|tournament|won|cup)\b/gi],
  [/^politic/, /\b(?:government|election|minister|president|parliament|senate|vote[ds]?|policy|party)\b/gi],
  [/^(?:business|econom|financ|market)/, /\b(?:company|shares?|market|revenue|profit|stocks?|investors?|bank|sales|quarter)\b/gi],
  [/^(?:health|medic|science)/, /\b(?:patients?|doctors?|hospital|disease|study|researchers?|treatment|vaccine|scientists?)\b/gi],
] // prettier-ignore

/** How strongly a text suggests one value of a choice, from 0. */
export function createScore(value: string): (text: string) => number {
  const spaced = splitName(value)
  const literal = patternOf(spaced.split(' '))
  const meant = cues.filter(([meaning]) => meaning.test(spaced)).map(([, cue]) => cue)
  return (text) => {
    let score = literal === null ? 0 : Math.min(2, count(text, literal)) * 1.2
    for (const cue of meant) for (const [hit] of text.matchAll(cue)) score += hit === '?' ? 0.6 : 1
    return score
  }
}

function count(text: string, pattern: RegExp): number {
  let times = 0
  for (const _ of text.matchAll(pattern)) times += 1
  return times
}

/** The value when the text says nothing. */
export const unsaid =
  /^(?:neutral|normal|medium|moderate|average|other|unknown|none|general|misc\w*|n a|unspecified|not specified|unclear|mixed|regular|standard|default)$/
