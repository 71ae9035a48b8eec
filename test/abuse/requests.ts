import fc from 'fast-check'

type Json = Record<string, any>

export interface FuzzedRequest {
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | null
}

/** Values that programs trip over. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    ' ',
    0,
    -0,
    -1,
    1e308,
    2 ** 53,
    0.1,
    true,
    [],
    {},
    [[]],
    [null],
    '\u0000',
    '\ud800',
    '𝕏',
    '../..',
    '%00',
    '__proto__',
    'constructor',
    "'; DROP",
    '<script>',
    '${1}',
    '{{1}}',
    'a'.repeat(300),
    '\r\nx: y',
    'NaN',
    '1e999',
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(JSON.parse('{"__proto__":{"a":1}}'), JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`), {
    toString: 1,
    length: -1,
  }),
)

/** Mostly values that a schema of the document allows, and now and then any other. */
function valueOf(schema: Json | undefined, schemas: Json, depth = 0): fc.Arbitrary<unknown> {
  if (schema === undefined || depth > 6) return odd
  const good = allowedBy(schema, schemas, depth)
  return fc.oneof({ weight: 40, arbitrary: good }, { weight: 1, arbitrary: odd })
}

function allowedBy(schema: Json, schemas: Json, depth: number): fc.Arbitrary<unknown> {
  const inner = (one: Json | undefined) => valueOf(one, schemas, depth + 1)
  if (typeof schema['$ref'] === 'string')
    return allowedBy(schemas[schema['$ref'].split('/').at(-1) ?? ''] as Json, schemas, depth)
  if (schema['const'] !== undefined) return fc.constant(schema['const'] as unknown)
  if (schema['enum'] !== undefined) return fc.constantFrom(...(schema['enum'] as unknown[]))
  const branches = (schema['anyOf'] ?? schema['oneOf']) as Json[] | undefined
  if (branches !== undefined) return fc.oneof(...branches.map((one) => allowedBy(one, schemas, depth + 1)))
  switch (schema['type']) {
    case 'integer':
    case 'number': {
      const low = Number(schema['minimum'] ?? (schema['exclusiveMinimum'] === undefined ? 0 : 1))
      const high = Math.min(low + 50, Number(schema['maximum'] ?? low + 50))
      const any = schema['type'] === 'integer' ? fc.integer() : fc.double()
      return fc.oneof({ weight: 20, arbitrary: fc.integer({ min: low, max: high }) }, { weight: 1, arbitrary: any })
    }
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(inner(schema['items'] as Json | undefined), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: 4,
      })
    case 'object':
      return objectOf(schema, inner)
    default:
      return fc.oneof(
        fc.constantFrom('person', 'default', 'person@1', 'My name is Ann', '0'),
        fc.string({ maxLength: 40, unit: 'binary' }),
      )
  }
}

function objectOf(schema: Json, inner: (one: Json | undefined) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Json>)
  if (properties.length === 0)
    return fc.oneof(
      fc.constant(personSchema),
      fc.dictionary(fc.string({ maxLength: 8 }), inner(undefined), { maxKeys: 3 }),
    )
  const required = new Set((schema['required'] ?? []) as string[])
  const record = Object.fromEntries(
    properties
      .filter(([name]) => !unfitting.has(name))
      .map(([name, one]) => {
        const fitting = Object.hasOwn(fittingValues, name) ? fittingValues[name] : undefined
        return [
          name,
          fitting === undefined ? inner(one) : fc.oneof({ weight: 20, arbitrary: fc.constant(fitting) }, inner(one)),
        ]
      }),
  )
  const known = fc.record(record, { requiredKeys: [...required].filter((name) => Object.hasOwn(record, name)) })
  const broken = fc
    .tuple(known, fc.string({ maxLength: 8 }), odd)
    .map(([value, name, more]) => ({ ...value, [name]: more }))
  return fc.oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: broken })
}

const personSchema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
  additionalProperties: false,
}

/** By the name of a member: what a schema cannot say, such as which lanes there are. */
const fittingValues: Readonly<Record<string, unknown>> = {
  lane: 'default',
  extractor: 'person',
  task: 'extraction',
  schema: personSchema,
  text: 'My name is Ann and I am 31 years old.',
  name: 'person',
  model: 'simulator',
  chunks: 2,
}

/** Refused together with others, or where the lane has no prices or the server no secrets: sent by name among odd values only. */
const unfitting = new Set(['chunk_tokens', 'max_cost_usd', 'webhook'])

/** Sent more often: the other operations need something that exists. */
const creating = new Set(['createBatch', 'createSummary', 'openUpload'])

/** Requests over all operations of an OpenAPI document. `~id7~` in a path stands for an id that exists when the request is sent. */
export function requestsOf(document: Json): fc.Arbitrary<FuzzedRequest> {
  const schemas = document['components'].schemas as Json
  const operations = Object.entries(document['paths'] as Record<string, Record<string, Json>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  return fc.oneof(
    ...operations.map((one) => ({
      weight: creating.has(one.operation['operationId'] as string) ? 4 : 1,
      arbitrary: requestOf(one, schemas),
    })),
  )
}

function requestOf(
  { path, method, operation }: { path: string; method: string; operation: Json },
  schemas: Json,
): fc.Arbitrary<FuzzedRequest> {
  const parameters = (operation['parameters'] ?? []) as Json[]
  const of = (place: string) => parameters.filter((one) => one['in'] === place)
  const some = (place: string) =>
    fc.record(
      Object.fromEntries(of(place).map((one) => [one['name'] as string, valueOf(one['schema'] as Json, schemas)])),
      { requiredKeys: [] },
    )
  const segment = fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: 999 }).map((at) => `~id${at}~`) },
    { weight: 2, arbitrary: fc.constantFrom('person', 'default', 'batch_none', 'summary_none', 'person@1') },
    { weight: 1, arbitrary: fc.oneof(odd.map(text), fc.string({ maxLength: 20 })) },
  )
  const content = (operation['requestBody']?.content ?? {}) as Record<string, Json>
  return fc
    .record({
      segments: fc.tuple(...of('path').map(() => segment)),
      query: some('query'),
      headers: some('header'),
      withQuery: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      body: bodyOf(content, schemas),
      junk: fc.oneof({ weight: 20, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: junkHeaders }),
    })
    .map(({ segments, query: anyQuery, headers, body, junk, withQuery }) => {
      // Where JSON is the body, the options are in it.
      const query =
        withQuery || method !== 'POST' || body.headers['content-type'] === 'application/x-ndjson' ? anyQuery : {}
      let at = 0
      const filled = path.replaceAll(
        /\{\w+\}/g,
        () => encodeURIComponent(String(segments[at++]).toWellFormed()) || '%20',
      )
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, text(value)]),
      )
      return {
        operationId: String(operation['operationId']),
        method,
        path: `${filled}${search.size > 0 ? `?${search.toString()}` : ''}`,
        headers: { ...headerTexts(headers), ...body.headers, ...junk },
        body: method === 'GET' || method === 'DELETE' ? null : body.body,
      }
    })
}

const junkHeaders: fc.Arbitrary<Record<string, string>> = fc.constantFrom<Record<string, string>>(
  { 'content-encoding': 'gzip' },
  { 'content-encoding': 'nothing' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-type': 'multipart/form-data' },
  { 'content-type': 'multipart/form-data; boundary=' },
  { accept: 'image/png' },
  { accept: 'text/html' },
  { range: 'bytes=0-1' },
  { 'x-request-id': 'a'.repeat(200) },
  { 'if-none-match': '*' },
  { 'last-event-id': 'c99999999999999999' },
  { 'x-http-method-override': 'DELETE' },
)

type Body = { readonly headers: Record<string, string>; readonly body: string | null }

function bodyOf(content: Record<string, Json>, schemas: Json): fc.Arbitrary<Body> {
  const arbitraries = Object.entries(content).map(([type, { schema }]): fc.Arbitrary<Body> => {
    if (type === 'application/x-ndjson')
      return fc.array(valueOf(schema as Json, schemas), { maxLength: 6 }).map((lines) => ({
        headers: { 'content-type': type },
        body: `${lines.map((one) => JSON.stringify(one)).join('\n')}\n`,
      }))
    if (type === 'multipart/form-data') return formOf(schema as Json, schemas)
    return valueOf(schema as Json, schemas).map((value) => ({
      headers: { 'content-type': type },
      body: JSON.stringify(value) ?? 'null',
    }))
  })
  const none = fc.constant<Body>({ headers: {}, body: null })
  if (arbitraries.length === 0)
    return fc.oneof(
      { weight: 8, arbitrary: none },
      fc.constant<Body>({ headers: { 'content-type': 'application/json' }, body: '{}' }),
    )
  const good = fc.oneof(...arbitraries)
  const cut = fc
    .tuple(good, fc.nat(2_000))
    .map(([{ headers, body }, at]): Body => ({ headers, body: body?.slice(0, at) ?? null }))
  const bytes = fc
    .tuple(good, fc.string({ maxLength: 200, unit: 'binary' }))
    .map(([{ headers }, body]): Body => ({ headers, body }))
  return fc.oneof(
    { weight: 12, arbitrary: good },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: none },
  )
}

function formOf(schema: Json, schemas: Json): fc.Arbitrary<Body> {
  const [first] = Object.entries((schema['properties'] ?? {}) as Record<string, Json>)
  const field = first === undefined || first[1]['type'] === 'array' ? null : first
  const file = fc.record({
    name: fc.constantFrom('a.txt', 'b.md', '../../etc/passwd', 'c.html', 'x\u0001.txt', '', 'd.exe'),
    text: fc.string({ maxLength: 60 }),
  })
  const fileField = (schema['required'] as string[] | undefined)?.at(-1) ?? 'documents'
  return fc
    .tuple(field === null ? fc.constant(undefined) : valueOf(field[1], schemas), fc.array(file, { maxLength: 3 }))
    .map(([value, files]) => {
      const parts = [
        ...(field === null
          ? []
          : [`content-disposition: form-data; name="${field[0]}"\r\n\r\n${JSON.stringify(value) ?? ''}`]),
        ...files.map(
          (one) =>
            `content-disposition: form-data; name="${fileField}"; filename="${one.name}"\r\ncontent-type: text/plain\r\n\r\n${one.text}`,
        ),
      ]
      return {
        headers: { 'content-type': 'multipart/form-data; boundary=edge' },
        body: `${parts.map((part) => `--edge\r\n${part}\r\n`).join('')}--edge--\r\n`,
      }
    })
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.toWellFormed() : (JSON.stringify(value) ?? '')
}

/** Only what HTTP allows in a header: others do not leave the client. */
function headerTexts(headers: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      text(value)
        .replaceAll(/[^\x20-\x7e]/g, '')
        .trim()
        .slice(0, 300),
    ]),
  )
}
