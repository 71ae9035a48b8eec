// Shapes of the contract under the names that the page uses. Types only: nothing of the contract is loaded into the browser.
import type { extractorList, extractorView } from '@sluice/contract/extractor'

export type ExtractorList = (typeof extractorList)['_output']
export type ExtractorView = (typeof extractorView)['_output']

export interface Timeline {
  readonly events: readonly { readonly at: number; readonly type: string; readonly message: string }[]
  readonly samples: readonly {
    readonly at: number
    readonly succeeded: number
    readonly failed: number
    readonly cost_usd: number | null
    readonly limit_per_s: number | null
  }[]
}
