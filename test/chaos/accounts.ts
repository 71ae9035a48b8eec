import type { Batch } from '@sluice/contract/batch'
import type { FailureGroupList } from '@sluice/contract/batch-item'
import type { Result } from '@sluice/contract/result'
import { failureGroup } from '@sluice/engine/ledger/failure-group'
import { prices } from '../support/priced.config.ts'

/** What a batch says about its failures and its cost, against its results: in words, each promise that was not kept. */
export function brokenAccounts(batch: Batch, results: readonly Result[], groups: FailureGroupList): string[] {
  return [...brokenGroups(batch, results, groups), ...brokenCosts(batch, results)]
}

function brokenGroups(batch: Batch, results: readonly Result[], { data, other_count: others }: FailureGroupList) {
  const failures = results.flatMap(({ index, error }) => (error === undefined ? [] : [{ index, error }]))
  const expected = new Map<string, number>()
  const groupOf = new Map<number, string>()
  for (const { index, error } of failures) {
    const { id } = failureGroup(error)
    groupOf.set(index, id)
    expected.set(id, (expected.get(id) ?? 0) + 1)
  }
  const counted = data.reduce((sum, { count }) => sum + count, 0)
  const wrong = data.filter(({ id, count }) => expected.get(id) !== count)
  const strangers = data.filter(({ id, sample }) => sample !== null && groupOf.get(sample.index) !== id)
  return inWords([
    [
      counted + others === batch.counts.failed,
      `${counted} failures are in groups and ${others} in none, not ${batch.counts.failed}`,
    ],
    [
      data.length === expected.size && wrong.length === 0,
      `its groups of failures are not those of its results: ${JSON.stringify(data)}`,
    ],
    [strangers.length === 0, `a group shows a failure that is not in it: ${JSON.stringify(strangers)}`],
  ])
}

/** A call whose item was taken over before its answer came is paid, and in no result. So the batch may have counted more, never less. */
function brokenCosts({ usage, cost_usd: cost }: Batch, results: readonly Result[]) {
  const sum = (of: (result: Result) => number | undefined) => results.reduce((all, one) => all + (of(one) ?? 0), 0)
  const nanoUsd = 1_000 * (prices.input * usage.input_tokens + prices.output * usage.output_tokens)
  const [calls, input, output] = [
    sum(({ attempts }) => attempts),
    sum((one) => one.usage?.input_tokens),
    sum((one) => one.usage?.output_tokens),
  ]
  const shown = JSON.stringify({ usage, cost })
  return inWords([
    [Math.round((cost ?? 0) * 1e9) === nanoUsd, `its cost is not that of its tokens, ${nanoUsd / 1e9}: ${shown}`],
    [
      usage.input_tokens >= input && usage.output_tokens >= output,
      `its results have ${input} and ${output} tokens, it has fewer: ${shown}`,
    ],
    [usage.calls >= results.length, `it has fewer paid calls than results, ${results.length}: ${shown}`],
    [calls >= results.length, `its results were made with ${calls} calls, fewer than there are results`],
  ])
}

function inWords(promises: readonly (readonly [kept: boolean, what: string])[]): string[] {
  return promises.flatMap(([kept, what]) => (kept ? [] : [what]))
}
