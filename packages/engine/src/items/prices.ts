import type { TokenEstimate } from '@sluice/contract/extract-function'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Call } from '@sluice/contract/outcome'
import { type ExpectedCost, noExpectedCost } from '../ledger/ledger.ts'

/** Applies a lane's prices. In nano-dollars: one dollar per million tokens is a thousand nano-dollars per token. */
export interface Money {
  /** An estimate of the cost of a call, before it is made. */
  expect(tokens: TokenEstimate): ExpectedCost
  /** What a call cost. */
  of(call: Pick<Call, 'usage' | 'cachedInputTokens'>): number
}

const nanoUsdPerToken = (usdPerMillion: number) => usdPerMillion * 1_000

export function createMoney(prices: LaneConfig['prices']): Money {
  if (prices === undefined) return { expect: () => noExpectedCost, of: () => 0 }
  const input = nanoUsdPerToken(prices.input)
  const cachedInput = nanoUsdPerToken(prices.cachedInput ?? prices.input)
  const output = nanoUsdPerToken(prices.output)
  return {
    expect: (tokens) => ({
      inputNanoUsd: tokens.input * input,
      outputTokenNanoUsd: output,
      mostOutputTokens: tokens.mostOutput,
    }),
    of: ({ usage, cachedInputTokens }) =>
      (usage.input_tokens - cachedInputTokens) * input + cachedInputTokens * cachedInput + usage.output_tokens * output,
  }
}
