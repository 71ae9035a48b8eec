import type { FailureType, Result } from '@sluice/contract/result'
import type { Usage } from '@sluice/contract/usage'
import type { Item } from '@sluice/contract/item'

/** A result as the ledger stores it, without what can be derived from the item's index. */
export interface StoredResult {
  readonly id?: string
  readonly status: 'succeeded' | 'failed'
  readonly data?: unknown
  readonly repaired?: true
  /** Of a raw request. */
  readonly response?: NonNullable<Result['response']>
  readonly error?: { readonly type: FailureType; readonly message: string }
  readonly raw?: string
  readonly parts?: NonNullable<Result['parts']>
  readonly usage: Usage
  /** Absent when the lane has no prices. */
  readonly cost_usd?: number
  readonly cached?: true
  readonly duplicate_of?: number
  readonly attempts: number
  readonly metadata?: Record<string, unknown>
}

/** The fields of a stored result that identify the item. */
export function ofItem(item: Item, index: number): Pick<StoredResult, 'id' | 'metadata'> {
  return {
    ...(item.id === String(index) ? {} : { id: item.id }),
    ...(item.metadata === undefined ? {} : { metadata: item.metadata }),
  }
}

/** `<position in the order of completion>|<JSON>` */
export function parseStored(index: number, text: string): { position: number; result: Omit<Result, 'cursor'> } {
  const bar = text.indexOf('|')
  const { id = String(index), ...stored } = JSON.parse(text.slice(bar + 1)) as StoredResult
  return { position: Number(text.slice(0, bar)), result: { index, id, ...stored } }
}
