import type { Extractor } from '@sluice/contract/extractor'
import type { SummaryRecipe } from '../engine.ts'

const tasks = {
  part: 'Write a concise summary of the following text.',
  whole:
    'The following are summaries of consecutive parts of one text, in order. Write one concise summary of the whole text from them.',
}

/** The recipe of one level's calls: the text's own parts on the first, summaries on all others. */
export function levelExtractor({ lane, instructions, parameters }: SummaryRecipe, level: number): Extractor {
  const task = level === 1 ? tasks.part : tasks.whole
  return {
    object: 'extractor',
    name: null,
    version: 0,
    schema: {
      type: 'object',
      properties: { summary: { type: 'string', minLength: 1 } },
      required: ['summary'],
      additionalProperties: false,
    },
    instructions: instructions === '' ? task : `${task}\n\n${instructions}`,
    lane,
    parameters,
    reasks: 2,
    created_at: 0,
  }
}
