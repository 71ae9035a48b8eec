import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import { toStrictSchema } from '@sluice/schema/strict'
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources'

/** How a request asks for an answer of the schema's form. Made once an extractor: `schemaText` goes into the prompt where it is not null. */
export interface AnswerFormat {
  readonly responseFormat: ChatCompletionCreateParamsNonStreaming['response_format'] | undefined
  readonly schemaText: string | null
  /** Optional properties were made nullable for the wire: nulls that stand for "absent" come back and are dropped. */
  readonly addedNulls: boolean
}

export function createAnswerFormat(extractor: Extractor, mode: LaneConfig['structuredOutput']): AnswerFormat {
  const schemaText = JSON.stringify(extractor.schema)
  switch (mode) {
    case 'json_schema': {
      const converted = toStrictSchema(extractor.schema)
      const name = extractor.name ?? 'answer'
      return {
        responseFormat: {
          type: 'json_schema',
          json_schema: { name, schema: converted.schema, strict: converted.strict },
        },
        // Without strict mode a server may take the schema as a hint only.
        schemaText: converted.strict ? null : schemaText,
        addedNulls: converted.strict,
      }
    }
    case 'json_object':
      return { responseFormat: { type: 'json_object' }, schemaText, addedNulls: false }
    case 'prompt':
      return { responseFormat: undefined, schemaText, addedNulls: false }
    default:
      return mode satisfies never
  }
}
