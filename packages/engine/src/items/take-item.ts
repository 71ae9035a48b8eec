import { createHash } from 'node:crypto'
import type { Item } from '@sluice/contract/item'
import type { FailureType, Result } from '@sluice/contract/result'
import type { Recipe } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Run, Tries } from '../ledger/run.ts'
import { parseStored } from '../ledger/stored-result.ts'
import type { Answer, Answers } from './answer-cache.ts'
import { type ItemDeadlines, itemDeadlines } from './deadlines.ts'
import type { Task, TaskOf } from './task.ts'

/**
 * Processes that may die with an item before it counts as the possible cause. An item also loses a run for other reasons (its machine is lost, Redis is
 * unreachable). These do not fail it: from then on its calls run in a separate process, and only the death of that process fails the item.
 */
const lostRunsAllowed = 2

/** An item that this run may record. */
export interface TakenItem {
  readonly run: Run
  readonly item: Item
  readonly recipe: Recipe
  readonly task: Task
  /** Undefined when the batch does not compare texts. */
  readonly textHash: string | undefined
}

/** A taken item that needs a call, with what it has used so far. */
export interface HeldItem extends TakenItem {
  readonly tries: Tries
  /** Earlier runs of the item were lost with their processes: its calls are made in a separate process. */
  readonly isSuspect: boolean
  readonly deadlines: ItemDeadlines
}

export interface ItemError {
  readonly type: FailureType
  readonly message: string
}

/** An answer that needs no call: that of another item of the batch, or one to an earlier batch. */
export type AnswerWithoutCall =
  | (Answer & { readonly countedAs: 'deduplicated'; readonly duplicateOf: number })
  | (Answer & { readonly countedAs: 'cached'; readonly duplicateOf?: undefined })

type TakeResult =
  | { readonly type: 'held'; readonly held: HeldItem }
  | { readonly type: 'answered'; readonly taken: TakenItem; readonly answer: AnswerWithoutCall }
  /** It must not be called any more. */
  | { readonly type: 'failed'; readonly held: HeldItem; readonly error: ItemError }
  /** Recorded, fed again, parked until an item with the same text is done, cancelled or deleted. */
  | { readonly type: 'dropped' }

export type TakeItem = (run: Run) => Promise<TakeResult>

/** The staged items of all batches. */
export interface ItemSource {
  /** Null when the batch was removed. */
  get(batchId: string, index: number): Promise<Item | null>
}

export interface TakeItemDependencies {
  readonly ledger: Ledger
  readonly items: ItemSource
  readonly readRecipe: (batchId: string) => Promise<Recipe | null>
  readonly answers: Answers
  readonly taskOf: TaskOf
}

/** Takes the item in the ledger for this run, and finds an answer to its text that exists already. */
export function createTakeItem({ ledger, items, readRecipe, answers, taskOf }: TakeItemDependencies): TakeItem {
  return async (run) => {
    const recipe = await readRecipe(run.batchId)
    if (recipe === null) return { type: 'dropped' }
    const { options } = recipe
    const task = taskOf(recipe)
    // Only a batch that compares texts needs the text before the ledger is asked.
    const readFirst = options.deduplicate ? await items.get(run.batchId, run.index) : undefined
    if (readFirst === null) return { type: 'dropped' }
    const textHash = readFirst && hashText(readFirst.text)
    const ledgerReply = await ledger.take(run, { keepsTime: options.deadlines?.item_s !== undefined, textHash })
    if (ledgerReply.type !== 'taken' && ledgerReply.type !== 'twin') return { type: 'dropped' }
    const item = readFirst ?? (await items.get(run.batchId, run.index))
    if (item === null) return { type: 'dropped' }

    const taken: TakenItem = { run, item, recipe, task, textHash }
    if (ledgerReply.type === 'twin') {
      const answer = answerOf(parseStored(ledgerReply.index, ledgerReply.stored).result)
      return {
        type: 'answered',
        taken,
        answer: { ...answer, countedAs: 'deduplicated', duplicateOf: ledgerReply.index },
      }
    }
    if (options.cache_s !== undefined) {
      const cached = await answers.find(recipe.task, item.text, options.cache_s * 1_000)
      if (cached !== null) return { type: 'answered', taken, answer: { ...cached, countedAs: 'cached' } }
    }
    const deadlines = itemDeadlines(options.deadlines ?? {}, ledgerReply, Date.now())
    const isSuspect = ledgerReply.lostRuns >= lostRunsAllowed
    const held: HeldItem = { ...taken, tries: ledgerReply.tries, isSuspect, deadlines }
    if (item.failure !== undefined) return { type: 'failed', held, error: item.failure }
    if (deadlines.passed !== null)
      return { type: 'failed', held, error: { type: 'timed_out', message: deadlines.passed } }
    return { type: 'held', held: { ...held, tries: await task.begin(item.text, held.tries) } }
  }
}

function answerOf({
  data,
  repaired,
  parts,
  response,
}: Pick<Result, 'data' | 'repaired' | 'parts' | 'response'>): Answer {
  return {
    ...(data === undefined ? {} : { data }),
    ...(repaired === undefined ? {} : { repaired }),
    ...(parts === undefined ? {} : { parts }),
    ...(response === undefined ? {} : { response }),
  }
}

/** 128 bits of SHA-256 in 22 characters: enough that two texts of a batch never have the same hash. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')
}
