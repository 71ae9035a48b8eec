import type { z } from 'zod'

/** What an answer carries: the schema of its JSON, or of one line or event of its stream. */
export interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  /** Default: application/json. */
  readonly contentTypes?: readonly string[]
}

/** One route of the REST interface. The API mounts these routes and the OpenAPI document describes them, so neither can drift. */
export interface Route {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** With `{parameters}`, as OpenAPI writes them. */
  readonly path: string
  readonly tag: 'Extractors' | 'Batches' | 'Results' | 'Extract' | 'Summaries' | 'Webhooks' | 'Operations'
  readonly summary: string
  readonly query?: z.ZodObject
  readonly headers?: z.ZodObject
  /** The body as JSON. */
  readonly body?: z.ZodType
  readonly bodyOptional?: boolean
  /** The body may be a stream of lines (application/x-ndjson), with these query parameters. */
  readonly lines?: { readonly query: z.ZodObject; readonly line: z.ZodType }
  /** The body may be a form (multipart/form-data): the field, where there is one, then files, each under the name `files`. */
  readonly form?: {
    readonly field: { readonly name: string; readonly schema: z.ZodType } | null
    readonly files: 'documents' | 'document'
  }
  readonly answers: Readonly<Record<number, Answer>>
  /** Needs no API key. */
  readonly open?: boolean
}

/** The forms in which a body may come. */
export type BodyType = 'json' | 'lines' | 'form'

const ndjson = 'application/x-ndjson'
export const bodyContentTypes = {
  json: 'application/json',
  lines: ndjson,
  form: 'multipart/form-data',
} as const satisfies Record<BodyType, string>
export const mediaTypes = { ndjson, csv: 'text/csv', eventStream: 'text/event-stream' } as const

/** The forms of body that a route accepts; none for a route without a body. */
export function bodyTypes({ body, lines, form }: Route): readonly BodyType[] {
  return [
    ...(body === undefined ? [] : (['json'] as const)),
    ...(lines === undefined ? [] : (['lines'] as const)),
    ...(form === undefined ? [] : (['form'] as const)),
  ]
}
