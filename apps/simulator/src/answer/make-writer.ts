import { createArrayWriter } from './write-array.ts'
import { createBooleanWriter } from './write-boolean.ts'
import { createChoiceWriter } from './write-choice.ts'
import { createNumberWriter } from './write-number.ts'
import { createObjectWriter } from './write-object.ts'
import { createStringWriter } from './write-string.ts'
import { createValuesWriter } from './write-values.ts'
import { type JsonSchema, referenceOf, shapeOf } from './shape.ts'
import type { MakeWriter, Writer } from './writer.ts'
import { createWords } from './words.ts'

/** Of schemas that contain themselves. */
const mostSelfNesting = 1

/** The writer of a whole schema. */
export function createRootWriter(root: JsonSchema): Writer {
  return makerWithin([])(root, { name: '', parent: '' })

  function makerWithin(references: readonly string[]): MakeWriter {
    return (schema, place) => {
      const reference = referenceOf(schema)
      if (reference !== null && references.filter((one) => one === reference).length > mostSelfNesting) {
        return { ...nothing, nullable: shapeOf(schema, root).nullable }
      }
      const make = makerWithin(reference === null ? references : [...references, reference])
      const shape = shapeOf(schema, root)
      const description = typeof shape.schema['description'] === 'string' ? shape.schema['description'] : ''
      const given = {
        schema: shape.schema,
        words: createWords(place.name, description, place.parent),
        nullable: shape.nullable,
      }
      switch (shape.type) {
        case 'object':
          return createObjectWriter(given, make)
        case 'array':
          return createArrayWriter(given, make, root)
        case 'string':
          return createStringWriter(given)
        case 'number':
        case 'integer':
          return createNumberWriter(given, shape.type)
        case 'boolean':
          return createBooleanWriter(given)
        case 'values':
          return createValuesWriter(given, shape.values)
        case 'choice':
          return createChoiceWriter(given, shape.branches, place, make)
        case 'null':
        case 'any':
          return nothing
        default:
          return shape satisfies never
      }
    }
  }
}

const nothing: Writer = { nullable: true, find: () => undefined, known: () => 0, least: () => null }
