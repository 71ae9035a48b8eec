import { z } from 'zod'
import { errorBody } from './error.ts'
import { bodyContentTypes, bodyTypes, type Route } from './route.ts'
import { routes } from './routes.ts'

type Json = Record<string, unknown>

/**
 * The OpenAPI 3.1 document of all routes. Schemas with an `id` become components: request schemas as they are sent
 * (defaults optional), answer schemas as they are returned.
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
      description:
        'Texts and a schema in, validated structured data out: durable, and within the rate limits of the provider.',
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
  const { tag, summary, body, lines, form, answers } = route
  const parameters = [
    ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...describeFields(route.query, 'query'),
    ...describeFields(lines?.query, 'query').map((field) =>
      body === undefined ? field : { ...field, required: false },
    ),
    ...describeFields(route.headers, 'header'),
  ]
  return {
    operationId,
    tags: [tag],
    summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(bodyTypes(route).length === 0
      ? {}
      : {
          requestBody: {
            required: route.bodyOptional !== true,
            content: {
              ...(body === undefined ? {} : { [bodyContentTypes.json]: { schema: toSchema(body, 'input', schemas) } }),
              ...(lines === undefined
                ? {}
                : { [bodyContentTypes.lines]: { schema: toSchema(lines.line, 'input', schemas) } }),
              ...(form === undefined ? {} : { [bodyContentTypes.form]: describeForm(form, schemas) }),
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
        description: 'The request was rejected: what is wrong and how to fix it.',
        content: { 'application/json': { schema: toSchema(errorBody, 'output', schemas) } },
      },
    },
    ...(secured && route.open !== true ? { security: [{ key: [] }] } : {}),
  }
}

function describeForm({ field, files }: NonNullable<Route['form']>, schemas: Json): Json {
  const first =
    field === null
      ? {}
      : { [field.name]: { ...toSchema(field.schema, 'input', schemas), description: 'Must be the first field.' } }
  return {
    schema: {
      type: 'object',
      properties: { ...first, [files]: describeFiles(files) },
      required: [...Object.keys(first), files],
    },
    ...(field === null ? {} : { encoding: { [field.name]: { contentType: bodyContentTypes.json } } }),
  }
}

function describeFiles(files: NonNullable<Route['form']>['files']): Json {
  const file = { type: 'string', contentMediaType: 'application/octet-stream' }
  const description = 'Text, Markdown, HTML or PDF in UTF-8'
  switch (files) {
    case 'document':
      return { ...file, description: `${description}.` }
    case 'documents':
      return {
        type: 'array',
        minItems: 1,
        items: file,
        description: `${description}. Each becomes one item, whose id is its file name.`,
      }
    default:
      return files satisfies never
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

/** The schema, with its named parts moved to `schemas`. */
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
