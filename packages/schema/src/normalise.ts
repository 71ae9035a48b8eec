import { type Dialect, dialectNames, guessDialect, namedDialect } from './dialect.ts'
import { formatCheck, formatNames } from './formats.ts'
import { isAnnotation, keywordsOf, type Shape, shapeProblem } from './keywords.ts'
import { createLinks, type Place } from './links.ts'
import { isReferenceOnly } from './locations.ts'
import { nearest } from './nearest.ts'
import { isNullableCombination, nullableWarnings } from './nullable.ts'
import { createPatternCheck } from './pattern-check.ts'
import { createReferences } from './references.ts'
import { type SchemaIssue, SchemaIssueError, shown } from './schema-issue.ts'
import { escapePointer, isNode, own, type SchemaNode } from './subschemas.ts'

export interface Normalised {
  /** JSON Schema 2020-12 whose references are all of the form `#/...`, without ids, anchors and `$schema`. */
  readonly schema: SchemaNode
  readonly dialect: Dialect
  /** What is accepted and has no effect: unknown keywords and formats, keywords next to `$ref` in old drafts. */
  readonly warnings: readonly SchemaIssue[]
  /** Where each subschema of the result was in the schema that was given. */
  readonly origins: ReadonlyMap<string, string>
}

/** Reading and compiling one subschema takes about 10 µs. */
export const mostSubschemas = 5_500

const notAssertions = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$ref',
  '$schema',
  'id',
  '$id',
  'definitions',
  'components',
])
const identifying = new Set([
  '$schema',
  '$id',
  '$anchor',
  '$dynamicAnchor',
  '$recursiveAnchor',
  '$vocabulary',
  'components',
])
const unchecked = new Set(['contentEncoding', 'contentMediaType', 'contentSchema'])
const late = ['contains', '$dynamicRef', '$recursiveRef']
const newest = keywordsOf('2020-12')

/**
 * A schema of any supported dialect as JSON Schema 2020-12: the same instances are valid. Throws a SchemaIssueError for what is not a schema
 * of its dialect, and for references out of the document. Callers bound size and depth first.
 */
export function normalise(root: SchemaNode): Normalised {
  const name = namedDialect(root)
  if (name === null)
    throw new SchemaIssueError(
      '/$schema',
      `${shown(root['$schema'])} is not a dialect that is supported (${dialectNames}); name one of them, or remove $schema`,
    )
  const dialect = name ?? guessDialect(root)
  return { ...convert(root, dialect), dialect }
}

function convert(root: SchemaNode, dialect: Dialect): Omit<Normalised, 'dialect'> {
  const keywords = keywordsOf(dialect)
  const references = createReferences(root, dialect)
  const warnings: SchemaIssue[] = []
  const origins = new Map<string, string>()
  /** Where each schema went. */
  const places = new Map<unknown, string>()
  const links = createLinks(places)
  const warn = (pointer: string, message: string) => warnings.push({ pointer, message })
  const checkPattern = createPatternCheck()
  const isOld2019 = dialect === '2019-09'

  const schemaAt = (schema: unknown, place: Place): unknown => {
    origins.set(place.to, place.from)
    if (origins.size > mostSubschemas) throw new SchemaIssueError('', `has more than ${mostSubschemas} subschemas`)
    if (!isNode(schema)) {
      if (typeof schema !== 'boolean')
        throw new SchemaIssueError(place.from, 'must be a schema: an object, true or false')
      return schema
    }
    if (!places.has(schema)) places.set(schema, place.to)
    if (isReferenceOnly(schema, dialect)) return referenceOnly(schema, place)
    return dialect === 'openapi-3.0' && isNullableCombination(schema) ? nullable(schema, place) : object(schema, place)
  }

  /** Null, or what the schema says without `nullable`. */
  const nullable = (schema: SchemaNode, place: Place): SchemaNode => {
    for (const form of [0, 1]) origins.set(`${place.to}/anyOf/${form}`, place.from)
    return { anyOf: [object(schema, { from: place.from, to: `${place.to}/anyOf/0` }), { type: 'null' }] }
  }

  const referenceOnly = (schema: SchemaNode, place: Place): SchemaNode => {
    const made: SchemaNode = links.link(schema, references.resolve(schema, String(schema['$ref'])), '$ref', place.from)
    for (const [keyword, value] of Object.entries(schema)) {
      if (['title', 'description', 'default', 'examples'].includes(keyword)) made[keyword] = value
      else if (keyword === 'definitions') {
        checkShape('map', value, `${place.from}/${keyword}`)
        made[keyword] = map(value, keyword, keyword, place)
      } else if (!notAssertions.has(keyword) && !isAnnotation(keyword))
        warn(`${place.from}/${escapePointer(keyword)}`, `is ignored beside $ref in ${dialect}; put both into allOf`)
    }
    return made
  }

  const map = (value: unknown, keyword: string, to: string, place: Place): SchemaNode => {
    return Object.fromEntries(
      Object.entries(value as SchemaNode).map(([name, schema]) => {
        const key = escapePointer(name)
        return [name, schemaAt(schema, { from: `${place.from}/${keyword}/${key}`, to: `${place.to}/${to}/${key}` })]
      }),
    )
  }

  const list = (value: unknown, keyword: string, to: string, place: Place): unknown[] =>
    (value as unknown[]).map((schema, i) =>
      schemaAt(schema, { from: `${place.from}/${keyword}/${i}`, to: `${place.to}/${to}/${i}` }),
    )

  const inner = (value: unknown, keyword: string, to: string, place: Place): unknown =>
    schemaAt(value, { from: `${place.from}/${keyword}`, to: `${place.to}/${to}` })

  const object = (schema: SchemaNode, place: Place): SchemaNode => {
    const made: SchemaNode = {}
    // These may have to add to `allOf`.
    const entries = Object.entries(schema)
    if (late.some((keyword) => Object.hasOwn(schema, keyword)))
      entries.sort(([a], [b]) => Number(late.includes(a)) - Number(late.includes(b)))
    for (const [keyword, value] of entries) {
      const from = `${place.from}/${escapePointer(keyword)}`
      const shape = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
      if (shape === undefined) {
        unknown(made, keyword, value, from)
        continue
      }
      // What a newer or older draft writes in its place, and can mean only one thing.
      if (shape === 'bound' && typeof value === 'number') {
        made[keyword] = value
        continue
      }
      checkShape(shape, value, from)
      if (identifying.has(keyword) || (keyword === 'id' && shape === 'any')) {
        checkNestedDialect(schema, keyword, place)
        continue
      }
      write(made, schema, { keyword, value, shape, place })
    }
    return made
  }

  const unknown = (made: SchemaNode, keyword: string, value: unknown, from: string): void => {
    if (keyword === '$async') throw new SchemaIssueError(from, 'asynchronous schemas are not supported; remove $async')
    const isNewer = Object.hasOwn(newest, keyword)
    if (!isNewer) made[keyword] = value
    if (isAnnotation(keyword)) return
    const names = Object.keys(keywords)
    const near = isNewer ? undefined : nearest(keyword, names)
    const hint = near === undefined ? '' : `; did you mean '${near}'?`
    warn(
      from,
      isNewer
        ? `is not a keyword of ${dialect}: it is not checked`
        : `is not a keyword that is known: it is not checked${hint}`,
    )
  }

  const checkNestedDialect = (schema: SchemaNode, keyword: string, place: Place): void => {
    if (keyword !== '$schema' || place.from === '') return
    if (namedDialect(schema) !== dialect)
      throw new SchemaIssueError(`${place.from}/$schema`, `must be the dialect of the whole schema, ${dialect}`)
  }

  const write = (
    made: SchemaNode,
    schema: SchemaNode,
    { keyword, value, shape, place }: { keyword: string; value: unknown; shape: Shape; place: Place },
  ): void => {
    switch (keyword) {
      case '$ref':
        Object.assign(
          made,
          links.chain(made, links.link(schema, references.resolve(schema, String(value)), keyword, place.from)),
        )
        return
      case '$dynamicRef':
      case '$recursiveRef':
        Object.assign(
          made,
          links.chain(
            made,
            links.link(schema, references.resolveDynamic(schema, keyword, String(value)), keyword, place.from),
          ),
        )
        return
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
        if (typeof value === 'number') made[keyword] = value
        return
      case 'minimum':
      case 'maximum': {
        const exclusive = keyword === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum'
        made[
          shape === 'number' && own(schema, exclusive) === true && keywords[exclusive] === 'bound' ? exclusive : keyword
        ] = value
        return
      }
      case 'items':
        if (!Array.isArray(value)) made['items'] = inner(value, 'items', 'items', place)
        else if (value.length > 0) made['prefixItems'] = list(value, 'items', 'prefixItems', place)
        return
      case 'additionalItems':
        if (Array.isArray(own(schema, 'items'))) made['items'] = inner(value, keyword, 'items', place)
        return
      case 'dependencies':
        dependencies(made, value as SchemaNode, place)
        return
      case 'dependentSchemas':
        made[keyword] = { ...(made[keyword] as SchemaNode | undefined), ...map(value, keyword, keyword, place) }
        return
      case 'dependentRequired':
        made[keyword] = { ...(made[keyword] as SchemaNode | undefined), ...(value as SchemaNode) }
        return
      case 'contains':
        contains(made, schema, value, place)
        return
      case 'minContains':
      case 'maxContains':
        if (!isOld2019 || own(schema, 'contains') === undefined) made[keyword] = value
        return
      case 'nullable':
        return
      case 'type':
        made['type'] = value
        if (dialect === 'openapi-3.0' && own(schema, 'nullable') === true && typeof value === 'string')
          made['type'] = [value, 'null']
        return
      default:
        copy(made, { keyword, value, shape, place })
    }
  }

  const copy = (
    made: SchemaNode,
    { keyword, value, shape, place }: { keyword: string; value: unknown; shape: Shape; place: Place },
  ): void => {
    if (keyword === 'format' && formatCheck(String(value)) === undefined) {
      const near = nearest(String(value), formatNames())
      warn(
        `${place.from}/format`,
        `the format ${shown(value)} is not known: it is not checked${near === undefined ? '' : `; did you mean '${near}'?`}`,
      )
    }
    if (keyword === 'pattern') checkPattern(String(value), `${place.from}/pattern`)
    if (keyword === 'patternProperties')
      for (const pattern of Object.keys(value as SchemaNode))
        checkPattern(pattern, `${place.from}/patternProperties/${escapePointer(pattern)}`)
    if (unchecked.has(keyword)) warn(`${place.from}/${keyword}`, 'is not checked: it says how to read the text')
    if (shape === 'map') made[keyword] = map(value, keyword, keyword, place)
    else if (shape === 'schemas') made[keyword] = list(value, keyword, keyword, place)
    else if (shape === 'schema') made[keyword] = inner(value, keyword, keyword, place)
    else made[keyword] = value
  }

  const dependencies = (made: SchemaNode, value: SchemaNode, place: Place): void => {
    const required: SchemaNode = { ...(made['dependentRequired'] as SchemaNode | undefined) }
    const schemas: SchemaNode = { ...(made['dependentSchemas'] as SchemaNode | undefined) }
    for (const [name, dependency] of Object.entries(value)) {
      const key = escapePointer(name)
      if (Array.isArray(dependency)) required[name] = dependency
      else
        schemas[name] = schemaAt(dependency, {
          from: `${place.from}/dependencies/${key}`,
          to: `${place.to}/dependentSchemas/${key}`,
        })
    }
    if (Object.keys(required).length > 0) made['dependentRequired'] = required
    if (Object.keys(schemas).length > 0) made['dependentSchemas'] = schemas
  }

  /** In 2019-09 items that `contains` found stay unevaluated: two negations keep the check and forget what it looked at. */
  const contains = (made: SchemaNode, schema: SchemaNode, value: unknown, place: Place): void => {
    if (!isOld2019) {
      made['contains'] = inner(value, 'contains', 'contains', place)
      return
    }
    const limits = Object.fromEntries(
      ['minContains', 'maxContains'].filter((name) => Object.hasOwn(schema, name)).map((name) => [name, schema[name]]),
    )
    const all = (made['allOf'] as unknown[] | undefined) ?? []
    const to = `allOf/${all.length}/not/not/contains`
    for (const path of ['', '/not', '/not/not']) origins.set(`${place.to}/allOf/${all.length}${path}`, place.from)
    made['allOf'] = [...all, { not: { not: { contains: inner(value, 'contains', to, place), ...limits } } }]
  }

  const made = schemaAt(root, { from: '', to: '' }) as SchemaNode
  links.connect(made, schemaAt)
  if (dialect === 'openapi-3.0') warnings.push(...nullableWarnings(places, origins))
  return { schema: made, warnings, origins }

  function checkShape(shape: Shape, value: unknown, from: string): void {
    const problem = shapeProblem(shape, value)
    if (problem !== null) throw new SchemaIssueError(from, problem)
  }
}
