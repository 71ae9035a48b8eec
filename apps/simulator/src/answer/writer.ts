import type { Facts } from './facts.ts'
import type { JsonSchema } from './shape.ts'
import type { Words } from './words.ts'

/** `sure`: only what the text gives a reason for. `guess`: the most likely value, where one is required. */
export type Effort = 'sure' | 'guess'

/** Writes the value of one place in a schema. Made once a schema. */
export interface Writer {
  readonly nullable: boolean
  /** A value that fits the schema; undefined when the text holds none. */
  find(facts: Facts, effort: Effort): unknown
  /** How many values the text gives for sure: prose and flags count for nothing. */
  known(facts: Facts): number
  /** Something small that fits the schema. */
  least(): unknown
}

/** Makes the writers of inner places. */
export type MakeWriter = (schema: unknown, place: Place) => Writer

export interface Place {
  readonly name: string
  /** The words of the property that contains it. */
  readonly parent: string
}

export interface Given<Schema extends JsonSchema = JsonSchema> {
  readonly schema: Schema
  readonly words: Words
  readonly nullable: boolean
}

/** What the answer has where a value is required and the text has none. */
export function write(writer: Writer, facts: Facts): unknown {
  const sure = writer.find(facts, 'sure')
  if (sure !== undefined) return sure
  if (writer.nullable) return null
  return writer.find(facts, 'guess') ?? writer.least()
}
