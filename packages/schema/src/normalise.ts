import { type Dialect, dialectNames, guessDialect, namedDialect } from './dialect.ts'
import { formatCheck, formatNames } from './formats.ts'
import { isAnnotation, keywordsOf, type Shape, shapeProblem } from './keywords.ts'
import { isReferenceOnly } from './locations.ts'
import { nearest } from './nearest.ts'
import { compilePattern, type Matcher } from './pattern.ts'
import { createReferences } from './references.ts'
import { escapePointer, isNode, own, type SchemaNode } from './subschemas.ts'

export interface SchemaIssue {
  /** JSON pointer into the schema as it was given, '' for its root. */
  readonly pointer: string
  readonly message: string
}

export interface Normalised {
  /** JSON Schema 2020-12 whose references are all of the form `#/...`, without ids, anchors and `$schema`. */
  readonly schema: SchemaNode
  readonly dialect: Dialect
  /** What is accepted and has no effect: unknown keywords and formats, keywords beside `$ref` in old drafts. */
  readonly warnings: readonly SchemaIssue[]
  /** Where each subschema of the result was in the schema that was given. */
  readonly origins: ReadonlyMap<string, string>
}

/** Thrown by `normalise`, caught by the door. */
export class SchemaIssueError extends Error {
  readonly pointer: string
  constructor(pointer: string, message: string) {
    super(message)
    this.pointer = pointer
  }
}

/** To read and compile one takes some 10 µs. */
export const mostSubschemas = 5_500
/** Of all patterns; each takes some 100 bytes of memory. */
export const mostPatternStates = 50_000

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

/** `nullable` beside `allOf`, where OpenAPI 3.0 gives it no meaning, and generators write it for an optional reference. */
function isNullableCombination(schema: SchemaNode): boolean {
  return (
    own(schema, 'nullable') === true &&
    !Object.hasOwn(schema, 'type') &&
    ['allOf', 'anyOf', 'oneOf'].some((keyword) => Object.hasOwn(schema, keyword))
  )
}

interface Place {
  readonly from: string
  readonly to: string
}

function convert(root: SchemaNode, dialect: Dialect): Omit<Normalised, 'dialect'> {
  const keywords = keywordsOf(dialect)
  const references = createReferences(root, dialect)
  const warnings: SchemaIssue[] = []
  const origins = new Map<string, string>()
  /** Where each schema went. */
  const places = new Map<unknown, string>()
  const links: { readonly node: SchemaNode; readonly target: unknown; readonly from: string }[] = []
  const warn = (pointer: string, message: string) => warnings.push({ pointer, message })
  const matchers = new Set<Matcher>()
  let states = 0
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

  const link = (schema: SchemaNode, target: unknown, keyword: string, from: string): { $ref: string } => {
    const reference = String(schema[keyword])
    const at = `${from}/${keyword}`
    if (target === 'many')
      throw new SchemaIssueError(
        at,
        `'${cut(reference)}' has several possible targets, which is not supported; use $ref`,
      )
    if (!isNode(target) && typeof target !== 'boolean') {
      const message = reference.startsWith('#')
        ? `there is no schema at '${cut(reference)}'`
        : `'${cut(reference)}' is not inside this schema; put it into $defs and write '#/$defs/name'`
      throw new SchemaIssueError(at, message)
    }
    const node = { $ref: '' }
    links.push({ node, target, from: at })
    return node
  }

  const referenceOnly = (schema: SchemaNode, place: Place): SchemaNode => {
    const made: SchemaNode = link(schema, references.resolve(schema, String(schema['$ref'])), '$ref', place.from)
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
        Object.assign(made, chain(made, link(schema, references.resolve(schema, String(value)), keyword, place.from)))
        return
      case '$dynamicRef':
      case '$recursiveRef':
        Object.assign(
          made,
          chain(made, link(schema, references.resolveDynamic(schema, keyword, String(value)), keyword, place.from)),
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

  const checkPattern = (pattern: string, from: string): void => {
    try {
      const matcher = compilePattern(pattern)
      if (!matchers.has(matcher)) states += matcher.states
      matchers.add(matcher)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new SchemaIssueError(from, `is not a pattern that can be run: ${error.message}`)
    }
    if (states > mostPatternStates)
      throw new SchemaIssueError(
        from,
        `is one pattern too many: together they have more than ${mostPatternStates} states`,
      )
  }

  /** A second reference of one schema goes into `allOf`. */
  const chain = (made: SchemaNode, reference: SchemaNode): SchemaNode => {
    if (!Object.hasOwn(made, '$ref')) {
      // The pointer is written later, into the schema itself.
      links.push({ ...links.pop()!, node: made })
      return reference
    }
    return { allOf: [...((made['allOf'] as unknown[] | undefined) ?? []), reference] }
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
  connect(made)
  warnNullable()
  return { schema: made, warnings, origins }

  /** Writes the pointers of all references. Targets in places that hold no schema in 2020-12 move to `$defs`. */
  function connect(result: SchemaNode): void {
    for (let i = 0; i < links.length; i += 1) {
      const { node, target, from } = links[i]!
      node['$ref'] = `#${encodePointer(places.get(target) ?? define(target, from, result))}`
    }
  }

  function define(target: unknown, from: string, result: SchemaNode): string {
    const definitions = (own(result, '$defs') as SchemaNode | undefined) ?? {}
    result['$defs'] = definitions
    let number = Object.keys(definitions).length + 1
    while (Object.hasOwn(definitions, `schema${number}`)) number += 1
    const to = `/$defs/schema${number}`
    definitions[`schema${number}`] = true
    definitions[`schema${number}`] = schemaAt(target, { from, to })
    return to
  }

  function warnNullable(): void {
    if (dialect !== 'openapi-3.0') return
    for (const [node, to] of places) {
      if (!isNode(node) || own(node, 'nullable') !== true || isReferenceOnly(node, dialect)) continue
      const from = origins.get(to) ?? ''
      if (isNullableCombination(node))
        warn(
          `${from}/nullable`,
          'is read as: null is valid, too; OpenAPI 3.0.3 gives it no effect without `type` beside it',
        )
      else if (own(node, 'type') === undefined)
        warn(`${from}/nullable`, 'has no effect without `type` beside it (OpenAPI 3.0.3)')
      const values = own(node, 'enum')
      if (Array.isArray(values) && !values.includes(null))
        warn(`${from}/enum`, 'does not list null, so null is not valid although `nullable` is true (OpenAPI 3.0.3)')
    }
  }

  function checkShape(shape: Shape, value: unknown, from: string): void {
    const problem = shapeProblem(shape, value)
    if (problem !== null) throw new SchemaIssueError(from, problem)
  }
}

/** A JSON pointer as the fragment of a URI: what has a meaning there is percent-encoded. */
function encodePointer(pointer: string): string {
  return pointer.isWellFormed() ? encodeURI(pointer).replaceAll('#', '%23').replaceAll('?', '%3F') : pointer
}

function shown(value: unknown): string {
  return `'${cut(String(value))}'`
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
