import { z } from 'zod'
import { errorBody } from './error.ts'
import { type Route, routes } from './routes.ts'

type Json = Record<string, unknown>

/**
 * The OpenAPI 3.1 document of all routes. Schemas with an `id` become components: those of requests as they are written
 * (defaults optional), those of answers as they come back.
 */
export function createOpenApi({ version, secured }: { version: string; secured: boolean }): Json {
  const schemas: Json = {}
  const paths: Record<string, Json> = {}
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    const operation = describeRoute(operationId, route, schemas, secured)
    paths[route.path] = { ...paths[route.path], [route.method]: operation }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description: 'Texts and a schema in, validated structured data out: durable, within the limits of the provider.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: [...new Set(Object.values(routes).map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      ...(secured
        ? { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'One of SLUICE_API_KEYS.' } } }
        : {}),
    },
  }
}

function describeRoute(operationId: string, route: Route, schemas: Json, secured: boolean): Json {
  const { tag, summary, body, upload, documents, document, answers } = route
  const parameters = [
    ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...describeFields(route.query, 'query'),
    ...describeFields(upload?.query, 'query').map((field) =>
      body === undefined ? field : { ...field, required: false },
    ),
    ...describeFields(route.headers, 'header'),
  ]
  return {
    operationId,
    tags: [tag],
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined && upload === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyOptional !== true,
            content: {
              ...(body === undefined ? {} : { 'application/json': { schema: toSchema(body, 'input', schemas) } }),
              ...(upload === undefined
                ? {}
                : { 'application/x-ndjson': { schema: toSchema(upload.line, 'input', schemas) } }),
              ...(documents === undefined
                ? {}
                : { 'multipart/form-data': describeDocuments(documents.batch, schemas) }),
              ...(document === undefined
                ? {}
                : { 'multipart/form-data': describeDocument(toSchema(document.summary, 'input', schemas)) }),
            },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { description, schema, contentTypes = ['application/json'] }]) => [
          status,
          {
            description,
            ...(schema === undefined
              ? {}
              : {
                  content: Object.fromEntries(
                    contentTypes.map((type) => [type, { schema: toSchema(schema, 'output', schemas) }]),
                  ),
                }),
          },
        ]),
      ),
      default: {
        description: 'Refused: what is wrong and how to mend it.',
        content: { 'application/json': { schema: toSchema(errorBody, 'output', schemas) } },
      },
    },
    ...(secured && route.open !== true ? { security: [{ key: [] }] } : {}),
  }
}

const file = { type: 'string', contentMediaType: 'application/octet-stream' }

function describeDocument(summary: Json): Json {
  return {
    schema: {
      type: 'object',
      properties: {
        summary: { ...summary, description: 'Comes first.' },
        document: { ...file, description: 'Text, Markdown, HTML or PDF in UTF-8.' },
      },
      required: ['summary', 'document'],
    },
    encoding: { summary: { contentType: 'application/json' } },
  }
}

function describeDocuments(batch: z.ZodType | null, schemas: Json): Json {
  const first = batch === null ? {} : { batch: { ...toSchema(batch, 'input', schemas), description: 'Comes first.' } }
  return {
    schema: {
      type: 'object',
      properties: {
        ...first,
        documents: {
          type: 'array',
          minItems: 1,
          items: file,
          description: 'Text, Markdown, HTML or PDF in UTF-8; an item each, whose id is its file name.',
        },
      },
      required: [...Object.keys(first), 'documents'],
    },
    ...(batch === null ? {} : { encoding: { batch: { contentType: 'application/json' } } }),
  }
}

function describeFields(fields: z.ZodObject | undefined, place: 'query' | 'header'): Json[] {
  if (fields === undefined) return []
  const { properties = {}, required = [] } = z.toJSONSchema(fields, { io: 'input' })
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema as Json
    return {
      name,
      in: place,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    }
  })
}

/** A schema in place, its named parts moved to `schemas`. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const {
    $schema: _,
    $defs = {},
    ...root
  } = z.toJSONSchema(schema, { io, reused: 'inline' }) as Json & { $defs?: Json }
  for (const [name, definition] of Object.entries($defs))
    schemas[name] = pointToComponents(withoutId(definition as Json))
  return pointToComponents(root) as Json
}

function withoutId({ id: _id, ...schema }: Json): Json {
  return schema
}

function pointToComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pointToComponents)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace(/^#\/\$defs\//, '#/components/schemas/')
        : pointToComponents(inner),
    ]),
  )
}
