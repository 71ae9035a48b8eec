import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import { toObjectSchema, toStrictSchema } from '@sluice/schema/strict'
import { normalisedSchema } from '@sluice/schema/validator'
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources'
import type { SentForm } from '../../check-answer.ts'

/** How a request asks for an answer of the schema's form. Built once for each extractor. */
export interface AnswerFormat extends SentForm {
  readonly responseFormat: ChatCompletionCreateParamsNonStreaming['response_format'] | undefined
  /** Goes into the prompt where it is not null, because the server does not enforce the schema. */
  readonly schemaText: string | null
}

export function createAnswerFormat(extractor: Extractor, mode: LaneConfig['structuredOutput']): AnswerFormat {
  switch (mode) {
    case 'json_schema': {
      const { strict, schema, wrapped } = toStrictSchema(extractor.schema)
      return {
        responseFormat: { type: 'json_schema', json_schema: { name: extractor.name ?? 'answer', schema, strict } },
        // Without strict mode a server may take the schema as a hint only.
        schemaText: strict ? null : JSON.stringify(schema),
        addedNulls: strict,
        wrapped,
      }
    }
    case 'json_object': {
      const { schema, wrapped } = toObjectSchema(extractor.schema)
      return { responseFormat: { type: 'json_object' }, schemaText: JSON.stringify(schema), addedNulls: false, wrapped }
    }
    case 'prompt':
      return {
        responseFormat: undefined,
        schemaText: JSON.stringify(normalisedSchema(extractor.schema)),
        addedNulls: false,
        wrapped: false,
      }
    default:
      return mode satisfies never
  }
}
