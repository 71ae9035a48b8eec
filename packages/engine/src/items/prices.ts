import type { TokenEstimate } from '@sluice/contract/extract-function'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Call } from '@sluice/contract/outcome'
import { type ExpectedCost, noExpectedCost } from '../ledger/ledger.ts'

/** A lane's prices, applied. In nano-dollars: dollars for a million tokens are a thousand nano-dollars for each. */
export interface Money {
  /** What a call will cost, as far as can be told before it. */
  expect(tokens: TokenEstimate): ExpectedCost
  /** What a call has cost. */
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
