import { own, type SchemaNode } from './subschemas.ts'

/** Keywords that strict mode knows, by the types that they apply to. */
export const sent: Readonly<Record<string, readonly string[]>> = {
  minimum: ['number', 'integer'],
  maximum: ['number', 'integer'],
  exclusiveMinimum: ['number', 'integer'],
  exclusiveMaximum: ['number', 'integer'],
  multipleOf: ['number', 'integer'],
  minItems: ['array'],
  maxItems: ['array'],
}
/** Keywords that only narrow: the model reads them in the description, and the answer is validated against them afterwards. */
const described = [
  ...Object.keys(sent),
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
  'propertyNames',
  'not',
  'default',
  'examples',
  'dependentRequired',
  'dependentSchemas',
  'if',
  'then',
  'else',
]
export function titleOf(schema: SchemaNode): SchemaNode {
  return typeof schema['title'] === 'string' ? { title: schema['title'] } : {}
}

export function describeReference(made: SchemaNode, schema: SchemaNode): SchemaNode {
  const noted = describe(made, schema)
  const { $ref: _ref, ...notes } = noted
  // Nothing else is allowed beside a reference.
  return Object.keys(notes).length === 0 ? made : { anyOf: [made], ...notes }
}

/** The title and the description, with the keywords that are not sent. */
export function describe(made: SchemaNode, schema: SchemaNode): SchemaNode {
  for (const [keyword, types] of Object.entries(sent))
    if (typeof schema[keyword] === 'number' && types.includes(String(made['type']))) made[keyword] = schema[keyword]
  const notes = described
    .filter((keyword) => Object.hasOwn(schema, keyword) && !Object.hasOwn(made, keyword))
    .map((keyword) => `${keyword}: ${JSON.stringify(schema[keyword])}`)
    .join('; ')
  const description = own(schema, 'description')
  const text = typeof description === 'string' && description !== '' ? description : null
  const whole = notes === '' ? text : text === null ? notes : `${text} (${notes})`
  return { ...made, ...titleOf(schema), ...(whole === null ? {} : { description: whole }) }
}
