import { texts } from '../texts.ts'
import { mixedTexts } from './mixed-texts.ts'

/** What the provider enforces, and how much work there is. */
export interface Case {
  readonly name: string
  readonly title: string
  readonly unit: 'requests' | 'tokens'
  /** Of the unit, each second. */
  readonly perSecond: number
  /** Seconds of refill that the provider's bucket holds; it is full at the start. */
  readonly burstS: number
  /** The limit that the provider goes over to; the new bucket is full, too. */
  readonly change: { readonly atS: number; readonly perSecond: number } | null
  /** Calls a second that another client makes on the same account. */
  readonly neighbourPerSecond: number
  readonly texts: () => string[]
}

const requestsPerSecond = 200
const tokensPerSecond = 60_000
const neighbourShare = 0.3

export const caseNames = ['requests-per-second', 'burst-10', 'burst-60', 'tokens', 'changing', 'shared'] as const
export type CaseName = (typeof caseNames)[number]

/** Each has as many items as the limit lets through in `seconds`, the burst included. */
export function createCase(name: CaseName, seconds: number): Case {
  const base = {
    name,
    unit: 'requests',
    perSecond: requestsPerSecond,
    change: null,
    neighbourPerSecond: 0,
  } as const
  switch (name) {
    case 'requests-per-second':
      return {
        ...base,
        title: `${requestsPerSecond} requests a second, enforced each second`,
        burstS: 1,
        texts: () => texts(requestsPerSecond * (1 + seconds)),
      }
    case 'burst-10':
    case 'burst-60': {
      // A burst longer than the run would measure how fast the machine is.
      const burstS = Math.min(name === 'burst-10' ? 10 : 60, seconds)
      return {
        ...base,
        title: `${(requestsPerSecond * 60).toLocaleString('en')} requests a minute, a burst of ${burstS} s`,
        burstS,
        texts: () => texts(requestsPerSecond * (burstS + seconds)),
      }
    }
    case 'tokens':
      return {
        ...base,
        title: `${(tokensPerSecond * 60).toLocaleString('en')} tokens a minute, enforced each second, texts of 50 to 4,000 tokens`,
        unit: 'tokens',
        perSecond: tokensPerSecond,
        burstS: 1,
        texts: () => mixedTexts(tokensPerSecond * (1 + seconds)),
      }
    case 'changing': {
      const change = { atS: seconds / 2, perSecond: requestsPerSecond / 2 }
      return {
        ...base,
        title: `${requestsPerSecond} requests a second, half of that from half-way on`,
        burstS: 1,
        change,
        texts: () => texts(requestsPerSecond * (1 + change.atS) + change.perSecond * (1 + change.atS)),
      }
    }
    case 'shared': {
      const neighbourPerSecond = requestsPerSecond * neighbourShare
      return {
        ...base,
        title: `${requestsPerSecond} requests a second, of which another client takes ${neighbourPerSecond}`,
        burstS: 1,
        neighbourPerSecond,
        texts: () => texts(requestsPerSecond + (requestsPerSecond - neighbourPerSecond) * seconds),
      }
    }
    default:
      return name satisfies never
  }
}
