import { createFacts } from './facts.ts'
import { createRootWriter } from './make-writer.ts'
import type { JsonSchema } from './shape.ts'
import { summarize } from './summary.ts'
import { write } from './writer.ts'

/** Answers from the text alone, by rules. The same text and schema always give the same answer, except for dates relative to today. */
export interface Answerer {
  /** A value that is valid against the schema. */
  readonly answer: (schema: JsonSchema, text: string) => unknown
  /** About a fifth of a text, in whole sentences of the text. */
  readonly summarize: (text: string) => string
  /** Characters of a schema. */
  readonly sizeOf: (schema: JsonSchema) => number
}

interface Prepared {
  readonly characters: number
  readonly answer: (text: string) => unknown
}

const mostPrepared = 200
const leastSummary = 80

/** The writer of a schema is made once and kept, because a batch sends the same schema with each call. */
export function createAnswerer(): Answerer {
  const prepared = new Map<string, Prepared>()
  /** Each call asks for its schema twice. */
  let last: { readonly schema: JsonSchema; readonly prepared: Prepared } | undefined

  function prepare(schema: JsonSchema): Prepared {
    if (last?.schema === schema) return last.prepared
    const text = JSON.stringify(schema)
    let found = prepared.get(text)
    if (found === undefined) {
      const writer = createRootWriter(schema)
      found = { characters: text.length, answer: (text) => write(writer, createFacts(text)) }
      if (prepared.size >= mostPrepared) prepared.clear()
      prepared.set(text, found)
    }
    last = { schema, prepared: found }
    return found
  }

  return {
    answer: (schema, text) => prepare(schema).answer(text),
    summarize: (text) => summarize(text, Math.max(leastSummary, text.length / 5)),
    sizeOf: (schema) => prepare(schema).characters,
  }
}
