// Shapes of the contract under the names that the page uses. Types only: nothing of the contract is loaded into the browser.
import type { extractorList, extractorView } from '@sluice/contract/extractor'

export type ExtractorList = (typeof extractorList)['_output']
export type ExtractorView = (typeof extractorView)['_output']

export interface ErrorGroups {
  readonly data: readonly {
    readonly id: string
    readonly type: string
    readonly path: string | null
    readonly message: string
    readonly count: number
    readonly sample: { readonly index: number; readonly id: string; readonly message: string } | null
  }[]
  readonly other_count: number
}

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

export interface ItemRow {
  readonly index: number
  readonly id: string
  readonly status: string
  readonly error: { readonly type: string; readonly message: string } | null
  readonly text: string
  readonly attempts: number
}
export interface ItemPage {
  readonly data: readonly ItemRow[]
  readonly has_more: boolean
  readonly next: string | null
}

export interface ItemAttempt {
  readonly at: number
  readonly latency_ms: number | null
  readonly outcome: string
  readonly reason: string | null
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number } | null
  readonly cost_usd: number | null
  readonly raw: string | null
}
export interface ItemDetail {
  readonly index: number
  readonly id: string
  readonly status: string
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly text: string | null
  readonly result: {
    readonly status: string
    readonly data?: unknown
    readonly error?: { readonly type: string; readonly message: string }
    readonly raw?: string
    readonly repaired?: true
    readonly cost_usd?: number
    readonly usage?: { readonly input_tokens: number; readonly output_tokens: number }
    readonly attempts: number
    readonly cached?: true
    readonly duplicate_of?: number
  } | null
  readonly attempts: readonly ItemAttempt[]
}
